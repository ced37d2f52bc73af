#include "gemm_impl.hpp"

namespace flambeau {

template bool gemm<float>(int64_t, int64_t, int64_t, const float*, int64_t, int64_t, const float*, int64_t, int64_t, float*,
                          int64_t, int64_t, bool);
template bool gemm<double>(int64_t, int64_t, int64_t, const double*, int64_t, int64_t, const double*, int64_t, int64_t,
                           double*, int64_t, int64_t, bool);

}  // namespace flambeau
