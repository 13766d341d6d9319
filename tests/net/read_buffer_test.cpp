#include <sidegate/net/read_buffer.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::net {
namespace {

ReadBuffer make_buffer(std::size_t size) {
  return {std::make_unique<char[]>(size), size};
}

void put(ReadBuffer& buffer, std::string_view bytes) {
  ASSERT_GE(buffer.space_bytes(), bytes.size());
  ASSERT_EQ(buffer.space().size(), buffer.space_bytes());
  std::memcpy(buffer.space().data(), bytes.data(), bytes.size());
  buffer.commit(bytes.size());
}

TEST(ReadBuffer, HoldsWhatWasReadAndNotConsumed) {
  ReadBuffer buffer = make_buffer(8);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 8U);
  EXPECT_EQ(buffer.space_bytes(), 8U);
  put(buffer, "abcde");
  EXPECT_EQ(buffer.unread(), "abcde");
  EXPECT_EQ(buffer.space_bytes(), 3U);
  buffer.consume(2);
  EXPECT_EQ(buffer.unread(), "cde");
  EXPECT_EQ(buffer.position(), 2U);
  EXPECT_EQ(buffer.space_bytes(), 3U);
  buffer.consume(3);
  EXPECT_TRUE(buffer.empty());
}

TEST(ReadBuffer, MovesItsBytesThoughTheyOverlap) {
  ReadBuffer buffer = make_buffer(8);
  put(buffer, "abcdefgh");
  EXPECT_EQ(buffer.space_bytes(), 0U);
  buffer.consume(2);
  buffer.move_to(0);
  EXPECT_EQ(buffer.unread(), "cdefgh");
  EXPECT_EQ(buffer.position(), 0U);
  EXPECT_EQ(buffer.space_bytes(), 2U);
  buffer.consume(4);
  buffer.move_to(1);
  EXPECT_EQ(buffer.unread(), "gh");
  EXPECT_EQ(buffer.space_bytes(), 5U);
  buffer.move_to(1);
  EXPECT_EQ(buffer.unread(), "gh");
}

TEST(ReadBuffer, RestartsInAPartOfItsRoom) {
  ReadBuffer buffer = make_buffer(8);
  put(buffer, "abcdefgh");
  buffer.restart(2, 5);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.position(), 2U);
  EXPECT_EQ(buffer.space_bytes(), 3U);
  put(buffer, "xyz");
  EXPECT_EQ(buffer.unread(), "xyz");
  // Moving gives it all the room back.
  buffer.move_to(0);
  EXPECT_EQ(buffer.space_bytes(), 5U);
  buffer.restart();
  EXPECT_EQ(buffer.space_bytes(), 8U);
}

TEST(BufferPool, UsesTheLastBlockFirst) {
  BufferBudget budget;
  BufferPool pool(64, budget);
  ReadBuffer one = pool.take();
  ReadBuffer two = pool.take();
  EXPECT_EQ(one.capacity(), 64U);
  const void* const first = one.space().data();
  const void* const second = two.space().data();
  EXPECT_NE(first, second);
  put(two, "left over");
  pool.give_back(std::move(one));
  pool.give_back(std::move(two));
  ReadBuffer again = pool.take();
  EXPECT_EQ(again.space().data(), second);
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(again.space_bytes(), 64U);
  EXPECT_EQ(pool.take().space().data(), first);
}

TEST(BufferPool, TakesNothingFromAnEmptyBuffer) {
  BufferBudget budget;
  BufferPool pool(64, budget);
  pool.give_back(ReadBuffer());
  EXPECT_EQ(budget.bytes, 0U);
  ReadBuffer buffer = pool.take();
  EXPECT_EQ(buffer.space_bytes(), 64U);
  put(buffer, "fine");
}

TEST(BufferPool, GivesBackWhatABurstLeaves) {
  BufferBudget budget;
  BufferPool pool(16, budget);
  std::vector<ReadBuffer> buffers;
  for (int i = 0; i < 3000; ++i) buffers.push_back(pool.take());
  EXPECT_EQ(budget.bytes, 3000U * 16);
  for (auto& buffer : buffers) pool.give_back(std::move(buffer));  // the sanitizer sees what is lost
  EXPECT_EQ(budget.bytes, 0U);
}

TEST(BufferPool, ChangesTheSizeOfItsBlocks) {
  for (const std::size_t size : {16U, 256U}) {
    SCOPED_TRACE(size);
    BufferBudget budget;
    BufferPool pool(64, budget);
    ReadBuffer in_use = pool.take();
    ReadBuffer given_back = pool.take();
    pool.give_back(std::move(given_back));

    pool.set_block_bytes(size);
    EXPECT_EQ(pool.block_bytes(), size);
    EXPECT_EQ(budget.bytes, 64U) << "what is in use is as large as it was";
    ReadBuffer other = pool.take();
    EXPECT_EQ(other.capacity(), size) << "and not the one that was kept";
    EXPECT_EQ(budget.bytes, 64U + size);
    put(other, std::string(size, 'x'));  // the sanitizer sees whether the block is as large as it says

    pool.give_back(std::move(in_use));
    EXPECT_EQ(budget.bytes, size) << "counted as what it was";
    ReadBuffer third = pool.take();
    EXPECT_EQ(third.capacity(), size) << "one of another size is not kept";
    put(third, std::string(size, 'x'));
    pool.give_back(std::move(third));
    pool.give_back(std::move(other));
    EXPECT_EQ(budget.bytes, 0U);
  }
}

TEST(BufferPool, KeepsItsBlocksWhereTheSizeStaysTheSame) {
  BufferBudget budget;
  BufferPool pool(64, budget);
  ReadBuffer buffer = pool.take();
  const void* const block = buffer.space().data();
  pool.give_back(std::move(buffer));
  pool.set_block_bytes(64);
  EXPECT_EQ(pool.take().space().data(), block);
}

TEST(BufferPool, KeepsABlockThatHasTheSizeOfNowAgain) {
  BufferBudget budget;
  BufferPool pool(64, budget);
  ReadBuffer buffer = pool.take();
  const void* const block = buffer.space().data();
  pool.set_block_bytes(128);
  pool.set_block_bytes(64);
  pool.give_back(std::move(buffer));
  EXPECT_EQ(pool.take().space().data(), block);
}

TEST(BufferBudget, CountsBlocksOfTheSizeOfNow) {
  BufferBudget budget{.bytes_max = 256};
  BufferPool pool(64, budget);
  const ReadBuffer in_use = pool.take();
  EXPECT_TRUE(pool.has_room(3));
  pool.set_block_bytes(96);
  EXPECT_TRUE(pool.has_room(2));
  EXPECT_FALSE(pool.has_room(3));
  budget.bytes_max = 128;
  EXPECT_FALSE(pool.has_room(1)) << "a limit that shrinks while blocks are in use";
  budget.bytes_max = 0;
  EXPECT_TRUE(pool.has_room(1000));
}

TEST(BufferBudget, HasRoomForWholeBlocksUpToItsLimit) {
  for (const auto& [bytes_max, blocks] : {std::pair{63U, 0U}, {64U, 1U}, {191U, 2U}, {192U, 3U}}) {
    BufferBudget budget{.bytes_max = bytes_max};
    BufferPool pool(64, budget);
    std::vector<ReadBuffer> taken;
    while (pool.has_room(1)) taken.push_back(pool.take());
    EXPECT_EQ(taken.size(), blocks) << bytes_max;
    EXPECT_FALSE(pool.has_room(2));
  }
}

TEST(BufferBudget, IsHeldToByWhoeverAsksAndCountsWhatIsInUse) {
  BufferBudget budget{.bytes_max = 128};
  BufferPool pool(64, budget);
  std::vector<ReadBuffer> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(pool.take());
  EXPECT_EQ(budget.bytes, 192U) << "who does not ask gets one even so";
  EXPECT_FALSE(pool.has_room(1));
  pool.give_back(std::move(taken[0]));
  EXPECT_FALSE(pool.has_room(1));
  pool.give_back(std::move(taken[1]));
  EXPECT_TRUE(pool.has_room(1));
  EXPECT_EQ(budget.bytes, 64U) << "what the pool keeps for later is not in use";
}

TEST(BufferBudget, IsSharedByPools) {
  BufferBudget budget{.bytes_max = 128};
  BufferPool small(32, budget);
  BufferPool large(96, budget);
  ReadBuffer one = small.take();
  EXPECT_TRUE(large.has_room(1));
  ReadBuffer two = small.take();
  EXPECT_FALSE(large.has_room(1));
  EXPECT_TRUE(small.has_room(1));
  small.give_back(std::move(two));
  ReadBuffer three = large.take();
  EXPECT_FALSE(small.has_room(1));
  large.give_back(std::move(three));
  small.give_back(std::move(one));
  EXPECT_EQ(budget.bytes, 0U);
}

TEST(BufferBudget, WithoutALimitThereIsAlwaysRoom) {
  BufferBudget budget;
  BufferPool pool(64, budget);
  std::vector<ReadBuffer> taken;
  for (int i = 0; i < 1000; ++i) taken.push_back(pool.take());
  EXPECT_TRUE(pool.has_room(1000));
  EXPECT_EQ(budget.bytes, 64'000U);
}

}  // namespace
}  // namespace sidegate::net
