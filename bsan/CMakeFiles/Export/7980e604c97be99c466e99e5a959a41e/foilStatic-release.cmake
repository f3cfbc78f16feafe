#----------------------------------------------------------------
# Generated CMake target import file for configuration "Release".
#----------------------------------------------------------------

# Commands may need to know the format version.
set(CMAKE_IMPORT_FILE_VERSION 1)

# Import target "foil::static" for configuration "Release"
set_property(TARGET foil::static APPEND PROPERTY IMPORTED_CONFIGURATIONS RELEASE)
set_target_properties(foil::static PROPERTIES
  IMPORTED_LOCATION_RELEASE "${_IMPORT_PREFIX}/lib/libfoil.a"
  )

list(APPEND _cmake_import_check_targets foil::static )
list(APPEND _cmake_import_check_files_for_foil::static "${_IMPORT_PREFIX}/lib/libfoil.a" )

# Commands beyond this point should not need to know the version.
set(CMAKE_IMPORT_FILE_VERSION)
