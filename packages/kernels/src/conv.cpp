// Convolution and its gradient with respect to the input, as implicit matrix products over taps.
#include "conv_beside.hpp"
#include "conv_tile.hpp"

namespace flambeau {
namespace {

// A piece of work: one box of one group of one image, for some of the output channels.
struct Item {
  int64_t image, group, lo[3], n[3];
  int64_t firstBlock, lastBlock;
};

// out[i·outStride] = values[i·pitch]
template <class C> void scatter(char* data, DType dtype, int64_t offset, int64_t outStride, const C* values, int64_t pitch, int64_t n) {
  const auto write = [&](auto tag) {
    using T = decltype(tag);
    T* out = reinterpret_cast<T*>(data) + offset;
    for (int64_t i = 0; i < n; i++) out[i * outStride] = to<T>(values[i * pitch]);
  };
  if constexpr (sizeof(C) == 8) write(double{});
  else if (dtype == DType::f32) write(float{});
  else if (dtype == DType::f16) write(Half{});
  else write(BFloat16{});
}

template <class C> class Engine {
  static constexpr int L = kLanes<C>;
  static constexpr int64_t kTapBlock = 192;  // whose weights and points stay in a level-1 cache
  static constexpr int64_t kSegment = 128;  // points computed between two transpositions

  static constexpr int64_t kStaged = 196608 / int64_t(sizeof(C));  // leaves most of a level-2 cache to the weights

  Problem p_;
  Layout layout_;
  SideBySide<C> beside_;
  bool across_;      // the points of a row are images
  bool byChannels_;  // channel tiles, else row tiles
  std::vector<TapRange> inside_[2];
  int64_t taps_, blocks_, packedRows_;
  int64_t boxes_[3], splits_, items_;
  Scratch packed_;
  C *weights_, *bias_;
  std::atomic<bool> failed_{false};

  // Blocks of output channels: two vectors each, or kRows rows at most, evenly.
  int64_t blockBegin(int64_t b) const { return byChannels_ ? b * 2 * L : b * p_.rows / blocks_; }
  int64_t blockWidth(int64_t b) const {
    if (!byChannels_) return blockBegin(b + 1) - blockBegin(b);
    const int64_t left = packedRows_ - b * 2 * L;
    return left < 2 * L ? left : 2 * L;
  }

  void chooseTiles() {
    const double channelUse = double(p_.rows) / double(roundUp(p_.rows, L));
    const double rowUse = double(p_.axes[2].count) / double(roundUp(p_.axes[2].count, L));
    byChannels_ = channelUse >= 0.95 * rowUse;
    packedRows_ = byChannels_ ? roundUp(p_.rows, L) : p_.rows;
    blocks_ = byChannels_ ? ceilDiv(p_.rows, 2 * L) : ceilDiv(p_.rows, kRows);
  }

  void chooseBoxes() {
    const Axis* a = p_.axes;
    for (int d = 0; d < 3; d++) layout_.box[d] = a[d].count;
    if (across_) layout_.box[2] = beside_.chunk;
    const int64_t minWidth = 4 * L;
    const auto count = [&] {
      items_ = p_.source.sizes[0] * p_.groups * splits_;
      for (int d = 0; d < 3; d++) items_ *= boxes_[d] = ceilDiv(a[d].count, layout_.box[d]);
    };
    while (!across_ && stagedSize(a, layout_.box, p_.channels) > kStaged && halveBox(layout_.box, minWidth)) {}
    splits_ = 1;
    count();
    double work = double(p_.source.sizes[0]) * double(p_.groups * p_.rows * taps_) * double(a[0].count * a[1].count * a[2].count);
    // Enough pieces for many threads; large weights are divided first, since every piece reads all of its part of them.
    while (items_ < 16 && work / double(items_) > 1e6) {
      const bool divide = splits_ * 2 <= blocks_ && p_.rows * taps_ * int64_t(sizeof(C)) / splits_ > (128 << 10);
      if (divide) splits_ *= 2;
      else if (!halveBox(layout_.box, minWidth)) break;
      count();
    }
    const double grain = 3e5 * double(items_) / (work + 1);
    grain_ = grain < 1 ? 1 : int64_t(grain);
  }
  int64_t grain_;

  Item item(int64_t i) const {
    Item it;
    const int64_t split = i % splits_;
    i /= splits_;
    it.firstBlock = split * blocks_ / splits_;
    it.lastBlock = (split + 1) * blocks_ / splits_;
    for (int d = 2; d >= 0; d--) {
      it.lo[d] = i % boxes_[d] * layout_.box[d];
      i /= boxes_[d];
      const int64_t left = p_.axes[d].count - it.lo[d];
      it.n[d] = left < layout_.box[d] ? left : layout_.box[d];
    }
    it.group = i % p_.groups;
    it.image = i / p_.groups;
    return it;
  }

  bool pack() {
    const int64_t size = p_.groups * packedRows_ * taps_;
    weights_ = packed_.get<C>(size + p_.groups * roundUp(p_.rows, L) + L);
    if (!weights_) return false;
    bias_ = weights_ + size;
    for (int64_t g = 0; g < p_.groups; g++)
      for (int64_t r = 0; r < roundUp(p_.rows, L); r++)
        bias_[g * roundUp(p_.rows, L) + r] =
            p_.bias && r < p_.rows ? element<C>(p_.bias->data, p_.bias->dtype, (g * p_.rows + r) * p_.bias->strides[0]) : C(0);
    const Weights& w = p_.weights;
    const int64_t channels = p_.channels, spatial = channels ? taps_ / channels : 0, last = int64_t(p_.axes[2].taps.size());
    const int64_t piece = spatial > 0 && spatial < 256 ? 256 / spatial * spatial : 256, pieces = ceilDiv(taps_, piece);
    // The taps as the weights keep them.
    std::vector<int64_t> order(static_cast<size_t>(taps_));
    for (int64_t i = 0; i < taps_; i++) {
      const int64_t s = i % spatial;
      order[size_t(i)] = byChannels_ ? (s % last * (spatial / last) + s / last) * channels + i / spatial : i;
    }
    bool dense = taps_ >= L && (pieces == 1 || taps_ % piece == 0 || taps_ % piece >= L);
    for (int64_t i = 0; i < taps_ && dense; i++) dense = layout_.weights[size_t(order[size_t(i)])] == i;
    // Where the taps of a channel lie within a vector of each other, whole vectors are read up to the end of the weights.
    const auto weightAt = [&](int64_t i) { return layout_.weights[size_t(order[size_t(i)])]; };
    const bool near = spatial > 1 && weightAt(spatial - 1) - weightAt(0) < L;
    const int64_t readable = (p_.groups - 1) * w.groupStride + (p_.rows - 1) * w.rowStride + (taps_ ? weightAt(taps_ - 1) : 0) + 1;
    const auto packPiece = [&](int64_t i) {
      const int64_t k0 = i % pieces * piece, k1 = k0 + piece < taps_ ? k0 + piece : taps_;
      const int64_t b = i / pieces % blocks_, g = i / pieces / blocks_;
      const int64_t begin = blockBegin(b), width = blockWidth(b);
      C* block = weights_ + (g * packedRows_ + begin) * taps_;
      const int64_t* offsets = layout_.weights.data();
      const int64_t at = g * w.groupStride + begin * w.rowStride, rows = p_.rows - begin < width ? p_.rows - begin : width;
      if (w.dtype != kDTypeOf<C>) {
        for (int64_t i = k0; i < k1; i++)
          for (int64_t r = 0, k = order[size_t(i)]; r < width; r++)
            block[k * width + r] = r < rows ? element<C>(w.data, w.dtype, at + r * w.rowStride + offsets[k]) : C(0);
        return;
      }
      const C* source = reinterpret_cast<const C*>(w.data) + at;
      int64_t done = 0;
      // Weights that follow each other tap by tap are transposed in registers.
      if (dense)
        for (; done + L <= rows; done += L)
          for (int64_t i = k0; i < k1; i += L) {
            const int64_t from = i + L > k1 ? k1 - L : i;
            C square[L * L];
            transposeBlock(source + done * w.rowStride + from, w.rowStride, square, L, L);
            for (int64_t j = 0; j < L; j++) store(block + order[size_t(from + j)] * width + done, load(square + j * L));
          }
      else if (near)
        for (; done + L <= rows && at + (done + L - 1) * w.rowStride + weightAt(k1 - spatial) + L <= readable; done += L)
          for (int64_t i = k0; i < k1; i += spatial) {
            C square[L * L];
            transposeBlock(source + done * w.rowStride + weightAt(i), w.rowStride, square, L, L);
            for (int64_t j = 0; j < spatial; j++)
              store(block + order[size_t(i + j)] * width + done, load(square + (weightAt(i + j) - weightAt(i)) * L));
          }
      for (int64_t i = k0; i < k1; i++) {
        const int64_t k = order[size_t(i)];
        const C* column = source + offsets[k];
        C* out = block + k * width;
        for (int64_t r = done; r < rows; r++) out[r] = column[r * w.rowStride];
        for (int64_t r = rows; r < width; r++) out[r] = C(0);
      }
    };
    parallelFor(p_.groups * blocks_ * pieces, ceilDiv(16384, piece * kRows), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) packPiece(i);
    });
    return true;
  }

  // Writes points × channels, as the channel tiles leave them, to where the output keeps them.
  void writeSegment(const C* segment, int64_t width, int64_t rows, int64_t points, int64_t offset, int64_t step) const {
    const Images& out = p_.out;
    const int64_t pitch = out.strides[1];
    if (out.dtype == kDTypeOf<C>) {
      C* data = reinterpret_cast<C*>(out.data) + offset;
      if (pitch == 1) {
        for (int64_t i = 0; i < points; i++) copyRow(data + i * step, segment + i * width, rows);
        return;
      }
      if (step == 1 && points >= L) {
        for (int64_t r = 0; r < rows; r += L) {
          const int64_t some = rows - r < L ? rows - r : L;
          for (int64_t i = 0; i + L < points; i += L) transposeBlock(segment + i * width + r, width, data + r * pitch + i, pitch, some);
          const int64_t i = points - L;
          transposeBlock(segment + i * width + r, width, data + r * pitch + i, pitch, some);
        }
        return;
      }
      if (step <= 2) {
        // The segment has room for whole blocks of points; those past the end are not stored.
        C block[L * L];
        for (int64_t r = 0; r < rows; r += L)
          for (int64_t i = 0; i < points; i += L) {
            const int64_t some = rows - r < L ? rows - r : L, count = points - i < L ? points - i : L;
            transposeBlock(segment + i * width + r, width, block, L, some);
            for (int64_t j = 0; j < some; j++) {
              if (step == 1) copyRow(data + (r + j) * pitch + i, block + j * L, count);
              else scatterPairs(data + (r + j) * pitch + 2 * i, block + j * L, count);
            }
          }
        return;
      }
    }
    for (int64_t r = 0; r < rows; r++) scatter(out.data, out.dtype, offset + r * pitch, step, segment + r, width, points);
  }

  // Taps go in blocks whose weights stay in the level-1 cache while all points of the item pass by.
  void channelTiles(const Item& it, const C* image, int64_t outBase, const C* bias, C* sums) const {
    const int64_t length = roundUp(ceilDiv(it.n[2], ceilDiv(it.n[2], kSegment)), L);
    const int64_t tapBlocks = tapBlocksOf();
    const bool planes = planesAtOnce(it), keep = tapBlocks > 1 || planes || across_;
    const int64_t step = p_.axes[2].outStride;
    std::vector<Run> runs(p_.axes[2].taps.size() * p_.axes[0].taps.size());
    for (int64_t b = it.firstBlock; b < it.lastBlock; b++) {
      const int64_t width = blockWidth(b), begin = blockBegin(b);
      const int v = int(width / L), most = v == 2 ? kPoints : kPointsSingle;
      const int64_t rows = p_.rows - begin < width ? p_.rows - begin : width;
      const C* w = weights_ + (it.group * packedRows_ + begin) * taps_;
      for (int64_t block = 0; block < tapBlocks; block++) {
        const int64_t k = block * taps_ / tapBlocks, taps = (block + 1) * taps_ / tapBlocks - k;
        C* segment = sums;
        for (int64_t i = 0; i < it.n[0]; i++) {
          for (int64_t j = 0; j < it.n[1]; j++) {
            const int64_t used = runsOf(it, i, j, k, k + taps, runs.data());
            const C* row = image + i * layout_.lattice[0] + j * layout_.lattice[1];
            const int64_t rowOut = outBase + begin * p_.out.strides[1] + i * p_.axes[0].outStride + j * p_.axes[1].outStride;
            for (int64_t s = 0; s < it.n[2]; s += length) {
              const int64_t points = it.n[2] - s < length ? it.n[2] - s : length, tiles = ceilDiv(points, most);
              for (int64_t t = 0; t < tiles && (used || !block); t++) {
                const int64_t first = t * points / tiles, count = (t + 1) * points / tiles - first;
                C* tile = segment + first * width;
                channelTileFor<C>(int(count), v)(w, layout_.offsets.data(), {runs.data(), used}, s + first == 0,
                                                 s + first + count == it.n[2], row + s + first, block ? tile : bias + begin,
                                                 block ? width : 0, tile);
              }
              if (block == tapBlocks - 1 && !planes && !across_) writeSegment(segment, width, rows, points, rowOut + s * step, step);
              if (keep) segment += points * width;
            }
          }
          if (!planes) continue;
          const int64_t points = it.n[1] * it.n[2], out = outBase + begin * p_.out.strides[1] + i * p_.axes[0].outStride;
          if (block == tapBlocks - 1) writeSegment(segment - points * width, width, rows, points, out, step);
          if (tapBlocks == 1) segment = sums;
        }
        if (across_ && block == tapBlocks - 1) writeImages(it, sums, width, rows, outBase + begin * p_.out.strides[1]);
      }
    }
  }
  // And points × images × channels.
  void writeImages(const Item& it, const C* sums, int64_t width, int64_t rows, int64_t offset) const {
    const Axis* a = p_.axes;
    const bool whole = a[0].outStride == it.n[1] * a[1].outStride;
    const int64_t lines = whole ? 1 : it.n[0], points = whole ? it.n[0] * it.n[1] : it.n[1], pitch = it.n[2] * width;
    for (int64_t r = 0; r < it.n[2]; r++)
      for (int64_t i = 0; i < lines; i++)
        writeSegment(sums + r * width + i * points * pitch, pitch, rows, points, offset + r * a[2].outStride + i * a[0].outStride,
                     a[1].outStride);
  }
  // The taps of [from, to) for a row of points, without those that read padding throughout.
  int64_t runsOf(const Item& it, int64_t i, int64_t j, int64_t from, int64_t to, Run* runs) const {
    const Axis* a = p_.axes;
    const TapRange &zs = inside_[0][size_t(it.lo[0] + i)], &ys = inside_[1][size_t(it.lo[1] + j)];
    const int64_t nz = int64_t(a[0].taps.size()), ny = int64_t(a[1].taps.size());
    // Short runs of taps cost more than the padding of two points in a row.
    const bool edges = a[2].count <= 2 * kPoints && ny * p_.channels >= 32;
    int64_t used = 0;
    for (size_t x = 0; x < a[2].taps.size(); x++) {
      const auto padding = [&](int64_t point) {
        const int64_t at = (it.lo[2] + point) * a[2].step + a[2].taps[x].delta;
        return at < 0 || at >= a[2].size;
      };
      const bool head = edges && padding(0), tail = edges && padding(it.n[2] - 1);
      for (int64_t z = zs.begin; z < zs.end; z++) {
        const int64_t first = ((int64_t(x) * nz + z) * ny + ys.begin) * p_.channels, last = first + (ys.end - ys.begin) * p_.channels;
        const Run run{first > from ? first : from, last < to ? last : to, head, tail};
        if (run.first >= run.last) continue;
        Run* before = used > 0 ? runs + used - 1 : nullptr;
        if (before && before->last == run.first && before->head == head && before->tail == tail) before->last = run.last;
        else runs[used++] = run;
      }
    }
    return used;
  }
  // Whether the rows of an item follow each other in the output and are few enough to be written together.
  bool planesAtOnce(const Item& it) const {
    const Axis* a = p_.axes;
    return !across_ && it.n[1] > 1 && it.n[2] == a[2].count && it.n[1] * it.n[2] <= kSegment && a[1].outStride == a[2].count * a[2].outStride;
  }
  int64_t tapBlocksOf() const { return taps_ > kTapBlock ? ceilDiv(taps_, kTapBlock) : 1; }
  int64_t sumsSize(const Item& it) const {
    const int64_t spare = across_ ? L * it.n[2] : L;
    return tapBlocksOf() > 1 || across_ ? (it.n[0] * it.n[1] * it.n[2] + spare) * 2 * L : kSegment * 2 * L;
  }

  void rowTiles(const Item& it, const C* image, int64_t outBase, const C* bias) const {
    const int64_t n = it.n[2], step = p_.axes[2].outStride, pitch = p_.out.strides[1];
    const bool dense = p_.out.dtype == kDTypeOf<C> && step == 1, inPlace = dense && n >= L;
    alignas(64) C tile[kRows * kRowVectors * L];
    for (int64_t b = it.firstBlock; b < it.lastBlock; b++) {
      const int64_t begin = blockBegin(b), rows = blockWidth(b);
      const int vectors = rowVectorsFor(int(rows));
      const RowTile<C> run = rowTileFor<C>(int(rows));
      const C* w = weights_ + (it.group * packedRows_ + begin) * taps_;
      const C* x[kRowVectors];
      C* out[kRowVectors];
      int64_t at[kRowVectors], points[kRowVectors];
      int filled = 0;
      const auto flush = [&] {
        const int used = filled;
        // A last incomplete tile computes its last vector more than once.
        for (; filled < vectors; filled++) {
          x[filled] = x[filled - 1];
          out[filled] = inPlace ? out[filled - 1] : tile + filled * L;
        }
        run(w, layout_.offsets.data(), taps_, x, bias + begin, out, inPlace ? pitch : kRowVectors * L);
        if (!inPlace)
          for (int v = 0; v < used; v++)
            for (int64_t r = 0; r < rows; r++) {
              const C* values = tile + (r * kRowVectors + v) * L;
              if (dense) copyRow(reinterpret_cast<C*>(p_.out.data) + at[v] + r * pitch, values, points[v]);
              else scatter(p_.out.data, p_.out.dtype, at[v] + r * pitch, step, values, 1, points[v]);
            }
        filled = 0;
      };
      for (int64_t i = 0; i < it.n[0]; i++)
        for (int64_t j = 0; j < it.n[1]; j++) {
          const C* row = image + i * layout_.lattice[0] + j * layout_.lattice[1];
          const int64_t rowOut = outBase + begin * pitch + i * p_.axes[0].outStride + j * p_.axes[1].outStride;
          for (int64_t s = 0; s < n; s += L) {
            // The last vector of a row overlaps the one before, where the row is long enough.
            const int64_t start = s + L > n && n >= L ? n - L : s;
            x[filled] = row + start;
            at[filled] = rowOut + start * step;
            points[filled] = n < L ? n : L;
            out[filled] = inPlace ? reinterpret_cast<C*>(p_.out.data) + at[filled] : tile + filled * L;
            if (++filled == vectors) flush();
          }
        }
      if (filled) flush();
    }
  }

  void compute(const Item& it) {
    FLAMBEAU_PER_THREAD Scratch scratch, sumsScratch;
    const Images& source = p_.source;
    const int64_t first = it.image * source.strides[0] + it.group * p_.channels * source.strides[1];
    const C* image = reinterpret_cast<const C*>(source.data) + first;
    if (layout_.direct) {
      if (across_) image = beside_.at(it.lo[2], it.group * p_.channels);
      for (int d = 0; d < (across_ ? 2 : 3); d++) image += it.lo[d] * layout_.lattice[d];
    } else if (taps_ > 0) {
      C* copy = scratch.get<C>(layout_.size);
      if (!copy) {
        failed_ = true;
        return;
      }
      stage(p_.axes, layout_, source.data + first * itemSize(source.dtype), source.dtype, source.strides[1], it.lo, it.n, copy);
      image = copy;
    }
    int64_t outBase = it.image * p_.out.strides[0] + it.group * p_.rows * p_.out.strides[1];
    for (int d = 0; d < 3; d++) outBase += p_.axes[d].outBase + it.lo[d] * p_.axes[d].outStride;
    const C* bias = bias_ + it.group * roundUp(p_.rows, L);
    if (byChannels_) {
      C* sums = sumsScratch.get<C>(sumsSize(it));
      if (sums) channelTiles(it, image, outBase, bias, sums);
      else failed_ = true;
    } else rowTiles(it, image, outBase, bias);
  }

 public:
  explicit Engine(const Problem& p) : p_(p) {}

  int run() {
    taps_ = p_.channels;
    for (const Axis& a : p_.axes) taps_ *= int64_t(a.taps.size());
    chooseTiles();
    across_ = byChannels_ && taps_ > 0 && SideBySide<C>::fits(p_.source, p_.axes, 8);
    if (across_ && !beside_.copy(p_.source, p_.axes, p_.out.strides[0], 16, true)) return kOutOfMemory;
    chooseBoxes();
    const Images& source = p_.source;
    layout_.channels = p_.channels;
    layout_.direct = across_ || (source.dtype == kDTypeOf<C> && readableInPlace(p_.axes) && (byChannels_ || p_.axes[2].count >= L));
    planTaps(p_.axes, layout_, across_ ? beside_.channelPitch : source.strides[1], p_.weights.channelStride, 1, byChannels_);
    for (int d = 0; d < 2 && byChannels_; d++)
      for (int64_t i = 0; i < p_.axes[d].count; i++) inside_[d].push_back(tapsInside(p_.axes[d], i));
    if (!pack()) return kOutOfMemory;
    parallelFor(items_, grain_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) compute(item(i));
    });
    return failed_ ? kOutOfMemory : kOk;
  }
};

int solve(Problem& p) {
  int status = kOk;
  if (p.source.dtype == DType::f32 ? solveBatched<float>(p, status) : p.source.dtype == DType::f64 && solveBatched<double>(p, status))
    return status;
  mergeAxes(p.axes);
  switch (p.source.dtype) {
    case DType::f32:
    case DType::f16:
    case DType::bf16: return Engine<float>(p).run();
    case DType::f64: return Engine<double>(p).run();
    default: return kUnsupported;
  }
}

}  // namespace

// conv(x [N, C, *spatial], w [O, C/groups, *kernel], bias? [O], out, stride[], padding[], dilation[], groups)
KERNEL(conv) {
  const TensorArg xArg = args.tensor(), wArg = args.tensor(), bias = args.tensor(), outArg = args.tensor();
  const Window window(args);
  const int64_t groups = args.i64();
  const Images x(xArg), w(wArg), out(outArg);
  if (out.empty()) return kOk;
  Problem p{x, out, groups, x.sizes[1] / groups, w.sizes[0] / groups, {}, bias ? &bias : nullptr, {}};
  p.weights = {w.data, w.dtype, w.strides[0], w.strides[1], p.rows * w.strides[0]};
  for (int d = 0; d < 3; d++) {
    Axis& a = p.axes[d];
    a = {x.sizes[d + 2], x.strides[d + 2], out.sizes[d + 2], window.stride[d], 0, out.strides[d + 2], {}};
    for (int64_t k = 0; k < w.sizes[d + 2]; k++)
      a.taps.push_back({k * window.dilation[d] - window.padding[d], k * w.strides[d + 2]});
  }
  return solve(p);
}

// convGradInput(grad [N, O, *], w [O, C/groups, *kernel], gradX [N, C, *spatial], stride[], padding[], dilation[], groups)
KERNEL(convGradInput) {
  const TensorArg gradArg = args.tensor(), wArg = args.tensor(), outArg = args.tensor();
  const Window window(args);
  const int64_t groups = args.i64();
  const Images grad(gradArg), w(wArg), out(outArg);
  if (out.empty()) return kOk;
  Problem p{grad, out, groups, w.sizes[0] / groups, w.sizes[1], {}, nullptr, {}};
  p.weights = {w.data, w.dtype, w.strides[1], w.strides[0], p.channels * w.strides[0]};

  // Where the stride is larger than the kernel some of the input met nothing.
  bool sparse = false;
  for (int d = 0; d < 3; d++) sparse = sparse || w.sizes[d + 2] < window.stride[d];
  sparse = sparse && out.dense();
  if (sparse) {
    const int64_t bytes = out.sizes[0] * out.strides[0] * itemSize(out.dtype);
    parallelFor(bytes, 1 << 16, [&](int64_t begin, int64_t end) { std::memset(out.data + begin, 0, size_t(end - begin)); });
  }

  // x[h] met grad[i] through tap k where h + padding = i·stride + k·dilation: each residue of h has its own taps.
  const int64_t* stride = window.stride;
  int64_t residue[3];
  for (residue[0] = 0; residue[0] < stride[0] && residue[0] < out.sizes[2]; residue[0]++)
    for (residue[1] = 0; residue[1] < stride[1] && residue[1] < out.sizes[3]; residue[1]++)
      for (residue[2] = 0; residue[2] < stride[2] && residue[2] < out.sizes[4]; residue[2]++) {
        for (int d = 0; d < 3; d++) {
          Axis& a = p.axes[d];
          const int64_t count = ceilDiv(out.sizes[d + 2] - residue[d], stride[d]), outStride = out.strides[d + 2];
          a = {grad.sizes[d + 2], grad.strides[d + 2], count, 1, residue[d] * outStride, stride[d] * outStride, {}};
          for (int64_t k = 0; k < w.sizes[d + 2]; k++) {
            const int64_t distance = residue[d] + window.padding[d] - k * window.dilation[d];
            if (distance % stride[d] == 0) a.taps.push_back({distance / stride[d], k * w.strides[d + 2]});
          }
        }
        if (sparse && (p.axes[0].taps.empty() || p.axes[1].taps.empty() || p.axes[2].taps.empty())) continue;
        const int status = solve(p);
        if (status != kOk) return status;
      }
  return kOk;
}

}  // namespace flambeau
