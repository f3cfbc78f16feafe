#----------------------------------------------------------------
# Generated CMake target import file for configuration "Release".
#----------------------------------------------------------------

# Commands may need to know the format version.
set(CMAKE_IMPORT_FILE_VERSION 1)

# Import target "foil::foil" for configuration "Release"
set_property(TARGET foil::foil APPEND PROPERTY IMPORTED_CONFIGURATIONS RELEASE)
set_target_properties(foil::foil PROPERTIES
  IMPORTED_LINK_DEPENDENT_LIBRARIES_RELEASE "DNNL::dnnl"
  IMPORTED_LOCATION_RELEASE "${_IMPORT_PREFIX}/lib/libfoil.so.0.1.0"
  IMPORTED_SONAME_RELEASE "libfoil.so.0"
  )

list(APPEND _cmake_import_check_targets foil::foil )
list(APPEND _cmake_import_check_files_for_foil::foil "${_IMPORT_PREFIX}/lib/libfoil.so.0.1.0" )

# Commands beyond this point should not need to know the version.
set(CMAKE_IMPORT_FILE_VERSION)
