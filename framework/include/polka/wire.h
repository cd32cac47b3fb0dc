/*
 * wire.h: Avro's binary primitives, for generated sources only: read with every bound checked, write after one reserve.
 *
 * A read or write function returns the place behind what it read or wrote, or NULL when it failed. Callers then name the
 * place on their way out (…_in, …_in_item), so that a field path is put together on the failure path only.
 *
 * Speed: the body is copied once into the arena and its texts point into that copy, where each gets its NUL (reading goes
 * on in the original). Short numbers take branches, which are foreseen where it matters; long ones go eight bytes at a time.
 */
#ifndef POLKA_WIRE_H
#define POLKA_WIRE_H

#include <polka/wire_read.h>
#include <polka/wire_write.h>

#endif
