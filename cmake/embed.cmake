# Makes a C file that holds other files: cmake -DHEADER=… -DARRAY=… -DOUT=FILE.c "-DFILES=a;b" -P embed.cmake
# ARRAY is of the structs {name, bytes, n} that HEADER declares; the last has no name.
set(bodies "#include \"${HEADER}\"\n\n")
set(rows)
foreach(path IN LISTS FILES)
    get_filename_component(name ${path} NAME)
    string(MAKE_C_IDENTIFIER ${name} identifier)
    file(READ ${path} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(APPEND bodies "static const unsigned char ${identifier}[] = {${bytes}};\n")
    string(APPEND rows "    {\"${name}\", ${identifier}, sizeof ${identifier}},\n")
endforeach()
file(WRITE ${OUT} "${bodies}\nconst embedded ${ARRAY}[] = {\n${rows}    {0},\n};\n")
