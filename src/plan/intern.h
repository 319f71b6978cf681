/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for byte strings: equal strings get the same number, new ones the next. The order of numbers is the order of
 * first appearance, so it does not depend on hashes or addresses.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct intern;
struct intern *intern_new(void);
void intern_free(struct intern *t); /* NULL accepted */

int intern(struct intern *t, const void *data, size_t n);
size_t intern_count(const struct intern *t);
const void *intern_at(const struct intern *t, int number, size_t *ret_n);
