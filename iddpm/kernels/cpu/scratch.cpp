#include "iddpm/kernels/cpu/scratch.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <new>

namespace iddpm::kernels::cpu {
namespace {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

struct Piece {
  std::unique_ptr<void, Free> memory;
  std::size_t bytes = 0;
};

}  // namespace

void* scratch(Scratch use, std::size_t bytes) {
  thread_local std::array<Piece, static_cast<std::size_t>(Scratch::count)> pieces;
  Piece& piece = pieces[static_cast<std::size_t>(use)];
  if (bytes > piece.bytes) {
    piece.memory.reset();
    piece.bytes = 0;
    const std::size_t rounded = (bytes + 4095) / 4096 * 4096;
    piece.memory.reset(std::aligned_alloc(64, rounded));
    if (piece.memory == nullptr) throw std::bad_alloc();
    piece.bytes = rounded;
  }
  return piece.memory.get();
}

}  // namespace iddpm::kernels::cpu
