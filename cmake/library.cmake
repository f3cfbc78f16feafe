# libfoil for other programs: shared and static, with foil.h as the only public header, and what cmake --install puts where.
include(CMakePackageConfigHelpers)

set(LIBRARY_OBJECTS $<TARGET_OBJECTS:foil_objects> $<TARGET_OBJECTS:foil_alone>)
add_library(libfoil SHARED ${LIBRARY_OBJECTS})
target_link_libraries(libfoil PRIVATE ${FOIL_DEPENDENCIES})
set_target_properties(libfoil PROPERTIES OUTPUT_NAME foil EXPORT_NAME foil VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
if(FOIL_SANITIZE)
    target_link_options(libfoil PRIVATE -fsanitize=address,undefined)
endif()

# What the compiler adds (dispatchers of target_clones, locks of OpenMP) is not hidden by -fvisibility.
file(WRITE ${CMAKE_BINARY_DIR}/libfoil.map "{ global: foil_*; local: *; };\n")
target_link_options(libfoil PRIVATE -Wl,--version-script=${CMAKE_BINARY_DIR}/libfoil.map)

# In an archive hidden symbols are still seen by the program that links it. One relocatable object with all but foil_* made local shows those alone.
set(ARCHIVE_OBJECT ${CMAKE_BINARY_DIR}/libfoil.o)
add_custom_command(OUTPUT ${ARCHIVE_OBJECT}
    COMMAND ${CMAKE_LINKER} -r -d -o ${ARCHIVE_OBJECT} ${LIBRARY_OBJECTS}
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=foil_* ${ARCHIVE_OBJECT}
    DEPENDS foil_objects foil_alone ${LIBRARY_OBJECTS} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking the static library's object")
set_source_files_properties(${ARCHIVE_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
add_library(libfoil_static STATIC ${ARCHIVE_OBJECT})
target_link_libraries(libfoil_static INTERFACE ${FOIL_DEPENDENCIES})
set_target_properties(libfoil_static PROPERTIES OUTPUT_NAME foil EXPORT_NAME static LINKER_LANGUAGE C)

foreach(library libfoil libfoil_static)
    target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

# Installation ------------------------------------------------------------------------------------------------------------
set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/foil)
install(TARGETS libfoil EXPORT foilShared LIBRARY)
install(TARGETS libfoil_static EXPORT foilStatic ARCHIVE)
install(EXPORT foilShared NAMESPACE foil:: FILE foilShared.cmake DESTINATION ${PACKAGE_DIR})
install(EXPORT foilStatic NAMESPACE foil:: FILE foilStatic.cmake DESTINATION ${PACKAGE_DIR})
configure_package_config_file(cmake/foilConfig.cmake.in ${CMAKE_BINARY_DIR}/foilConfig.cmake INSTALL_DESTINATION ${PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/foilConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/foilConfig.cmake ${CMAKE_BINARY_DIR}/foilConfigVersion.cmake DESTINATION ${PACKAGE_DIR})

file(RELATIVE_PATH PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
list(JOIN OPENBLAS_LDFLAGS " " BLAS_FLAGS) # not as a requirement: its own .pc asks for gfortran, which only a static OpenBLAS needs
configure_file(cmake/foil.pc.in ${CMAKE_BINARY_DIR}/foil.pc.in @ONLY)
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/foil.pc INPUT ${CMAKE_BINARY_DIR}/foil.pc.in) # for the folder of the oneDNN in use
install(FILES ${CMAKE_BINARY_DIR}/foil.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES foil.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/foil OPTIONAL)
# Where README.md's links look for them; what is contained of others asks for its licences.
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs third_party DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md PATTERN *.svg PATTERN LICENSE)
install(FILES tests/install/use_foil.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/tests/install)
