// CRC-32 of zip files (reflected polynomial 0xEDB88320): several pieces at once, whose checksums are then combined.
#include <vector>

#include "kernel.hpp"
#include "parallel.hpp"

namespace flambeau {
namespace {

constexpr uint32_t kPolynomial = 0xEDB88320u;

struct Tables {
  uint32_t of[8][256];
  constexpr Tables() : of() {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
      of[0][i] = crc;
    }
    for (int k = 1; k < 8; k++)
      for (int i = 0; i < 256; i++) of[k][i] = (of[k - 1][i] >> 8) ^ of[0][of[k - 1][i] & 255];
  }
};
constexpr Tables tables;

inline uint32_t eightBytes(uint32_t crc, const uint8_t* p) {
  const auto& t = tables.of;
  const uint32_t low = crc ^ (p[0] | p[1] << 8 | p[2] << 16 | uint32_t(p[3]) << 24);
  return t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^ t[3][p[4]] ^ t[2][p[5]] ^
         t[1][p[6]] ^ t[0][p[7]];
}

// The register after n more bytes.
uint32_t advance(uint32_t crc, const uint8_t* p, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) crc = eightBytes(crc, p + i);
  for (; i < n; i++) crc = (crc >> 8) ^ tables.of[0][(crc ^ p[i]) & 255];
  return crc;
}

// The product of polynomials modulo that of the checksum; bit 31 is the constant term.
uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if (a >> 31) product ^= b;
    b = (b >> 1) ^ (b & 1 ? kPolynomial : 0);
  }
  return product;
}

// What n bytes of zeros multiply a checksum by: x^8n.
uint32_t shiftBy(int64_t n) {
  uint32_t power = 0x80000000u;
  for (uint32_t square = 0x00800000u; n > 0; n >>= 1, square = multiply(square, square))
    if (n & 1) power = multiply(power, square);
  return power;
}

constexpr int64_t kLanes = 4;
constexpr int64_t kLane = 1 << 15;
constexpr int64_t kPiece = kLanes * kLane;

// The checksum of a whole piece: in each lane a step waits for the one before, but the lanes do not wait for each other.
uint32_t ofPiece(const uint8_t* p, uint32_t laneShift) {
  uint32_t crc[kLanes];
  for (int k = 0; k < kLanes; k++) crc[k] = ~0u;
  for (int64_t i = 0; i < kLane; i += 8)
    for (int k = 0; k < kLanes; k++) crc[k] = eightBytes(crc[k], p + k * kLane + i);
  uint32_t all = ~crc[0];
  for (int k = 1; k < kLanes; k++) all = multiply(all, laneShift) ^ ~crc[k];
  return all;
}

}  // namespace

// crc32(x, crc): slot 1 is the checksum of the contiguous bytes x, going on from that of the bytes before.
KERNEL(crc32) {
  const TensorArg x = args.tensor();
  uint32_t crc = uint32_t(args.i64());
  if (x.dtype != DType::u8 || !x.contiguous()) return kUnsupported;
  const uint8_t* p = x.as<uint8_t>();
  const int64_t n = x.numel(), pieces = n / kPiece;
  if (pieces > 0) {
    static const uint32_t laneShift = shiftBy(kLane), pieceShift = shiftBy(kPiece);
    std::vector<uint32_t> of(pieces);
    parallelChunks(pieces, [&](int64_t i) { of[i] = ofPiece(p + i * kPiece, laneShift); });
    // The checksum of ab is that of a, shifted by the length of b, with that of b.
    for (const uint32_t next : of) crc = multiply(crc, pieceShift) ^ next;
  }
  args.result(1, double(uint32_t(~advance(~crc, p + pieces * kPiece, n - pieces * kPiece))));
  return kOk;
}

}  // namespace flambeau
