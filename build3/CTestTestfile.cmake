# CMake generated Testfile for 
# Source directory: /work/w/dnnl
# Build directory: /work/w/dnnl/build3
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("tests")
