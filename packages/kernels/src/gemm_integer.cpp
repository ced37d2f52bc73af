// Integers multiply modulo 2^32 or 2^64: the low bits of a product do not depend on the sign or on the higher bits.
#include "gemm_impl.hpp"

namespace flambeau {

template bool gemm<uint32_t>(int64_t, int64_t, int64_t, const uint32_t*, int64_t, int64_t, const uint32_t*, int64_t, int64_t,
                             uint32_t*, int64_t, int64_t, bool);
template bool gemm<uint64_t>(int64_t, int64_t, int64_t, const uint64_t*, int64_t, int64_t, const uint64_t*, int64_t, int64_t,
                             uint64_t*, int64_t, int64_t, bool);

}  // namespace flambeau
