#include "sim/core/slots.h"

#include "sim/core/id.h"
#include "sim/model/entities.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

TEST(Slots, one_more_than_there_is_room_for_is_refused_and_a_freed_slot_is_taken_again) {
  Slots<int, VisitId, 3> pool;
  const VisitId first = pool.take();
  (void)pool.take();
  (void)pool.take();
  EXPECT_THROW((void)pool.take(), PoolFull);
  EXPECT_EQ(pool.used(), 3U);
  pool.release(first);
  EXPECT_EQ(pool.take(), first);
  EXPECT_THROW((void)pool.take(), PoolFull);
}

}  // namespace
}  // namespace tideline
