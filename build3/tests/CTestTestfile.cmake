# CMake generated Testfile for 
# Source directory: /work/w/dnnl/tests
# Build directory: /work/w/dnnl/build3/tests
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[base/test_status]=] "/work/w/dnnl/build3/tests/base_test_status")
set_tests_properties([=[base/test_status]=] PROPERTIES  ENVIRONMENT "OMP_NUM_THREADS=2" TIMEOUT "600" WORKING_DIRECTORY "/work/w/dnnl/build3/tests" _BACKTRACE_TRIPLES "/work/w/dnnl/tests/CMakeLists.txt;12;add_test;/work/w/dnnl/tests/CMakeLists.txt;0;")
