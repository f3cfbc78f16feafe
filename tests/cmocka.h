// cmocka with what it wants included before it.
#ifndef FOIL_TESTS_CMOCKA_H
#define FOIL_TESTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
