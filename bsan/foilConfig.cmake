# find_package(foil): target foil::foil, the shared library.
# find_package(foil COMPONENTS static): also foil::static, which needs the development packages of what Foil is built on.

####### Expanded from @PACKAGE_INIT@ by configure_package_config_file() #######
####### Any changes to this file will be overwritten by the next CMake run ####
####### The input file was foilConfig.cmake.in                            ########

get_filename_component(PACKAGE_PREFIX_DIR "${CMAKE_CURRENT_LIST_DIR}/../../../" ABSOLUTE)

macro(set_and_check _var _file)
  set(${_var} "${_file}")
  if(NOT EXISTS "${_file}")
    message(FATAL_ERROR "File or directory ${_file} referenced by variable ${_var} does not exist !")
  endif()
endmacro()

macro(check_required_components _NAME)
  foreach(comp ${${_NAME}_FIND_COMPONENTS})
    if(NOT ${_NAME}_${comp}_FOUND)
      if(${_NAME}_FIND_REQUIRED_${comp})
        set(${_NAME}_FOUND FALSE)
      endif()
    endif()
  endforeach()
endmacro()

####################################################################################
include(CMakeFindDependencyMacro)
include(${CMAKE_CURRENT_LIST_DIR}/foilShared.cmake)
if("static" IN_LIST foil_FIND_COMPONENTS)
    find_dependency(OpenMP COMPONENTS C)
    find_dependency(dnnl)
    find_dependency(HDF5 COMPONENTS C)
    find_dependency(PNG)
    find_dependency(JPEG)
    find_dependency(Threads)
    find_dependency(PkgConfig)
    pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
    pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
    pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
    pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
    include(${CMAKE_CURRENT_LIST_DIR}/foilStatic.cmake)
    set(foil_static_FOUND TRUE)
endif()
check_required_components(foil)
