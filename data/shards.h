// The shards of an index, opened when first needed, at most SET_OPEN at a time: the one that was not used for longest goes. Internal to data/.
#ifndef FOIL_DATA_SHARDS_H
#define FOIL_DATA_SHARDS_H

#include "data/index.h"

typedef struct shards shards;
foil_status shards_new(const set_index *x, shards **out); // `x` must outlive them
void shards_free(shards *s);                              // NULL is fine
// Lends shard `number`, which stays open until it is returned; waits while all are lent. From any thread, but one that has none yet. When a shard is opened for
// the first time its fingerprint is checked, later on all but that.
foil_status shards_borrow(shards *s, int number, const shard **out);
void shards_return(shards *s, int number);

#endif
