# CMake generated Testfile for 
# Source directory: /work/w/memory
# Build directory: /work/w/memory/bsan
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("tests")
