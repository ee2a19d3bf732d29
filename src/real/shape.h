// Networks as lists of layers, whoever runs them.
#pragma once

#include "src/real/backend.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tideline::real {

enum class Op : std::uint8_t { input, convolution, add, concatenate, max_pool, upsample };

/// A layer and its output, which is square. Inputs are earlier layers.
struct Layer {
  Op op = Op::input;
  std::vector<std::size_t> inputs;
  std::uint32_t channels = 0, side = 0;               ///< of its output
  std::uint32_t kernel = 1, stride = 1, padding = 0;  ///< of convolutions and pools
  bool silu = false;                                  ///< x / (1 + e^-x) after a convolution
  double square = 0;                                  ///< about the mean of the squares of its output, for weights that keep it in bounds

  std::size_t values() const { return std::size_t{channels} * side * side; }
};

struct Shape {
  std::vector<Layer> layers;       ///< the first is the input, of three channels
  std::vector<std::size_t> heads;  ///< layers that are the output, in this order

  /// Channels that a convolution reads.
  std::uint32_t input_channels(std::size_t layer) const { return layers[layers[layer].inputs.front()].channels; }
  /// Weights of a convolution without its biases, of which each channel has one.
  std::size_t weights(std::size_t layer) const;
  std::size_t parameters() const;  ///< weights and biases
  double operations() const;       ///< for one item: 2 for a multiplication with its addition, of the convolutions alone
  std::size_t output_values() const;
};

/// Multiples of depth and width of a published model.
struct NamedModel {
  const char* name;  ///< "yolov5n"
  double depth, width;
  double coco_map;  ///< published mAP@0.5:0.95 on COCO at 640 pixels, 0 .. 1
};
/// YOLOv5 n, s, m, l, x, and "yolov5t", which is not published: half the width of n, for tests. Its `coco_map` is below 0.
/// Source: table "Pretrained Checkpoints" of the README of ultralytics/yolov5, releases 6.1 to 7.0.
const std::vector<NamedModel>& named_models();

/// YOLOv5 as of release 6: stem, C3 stages and SPPF, PAN neck, three heads of 3 anchors x (80 classes + 5); batch norms folded into
/// convolutions. Throws `CannotRun` for a network that is none, or a resolution that is no multiple of 32.
Shape make_shape(const NetworkSpec& spec);

/// Weights of a convolution, [output channel][input channel][row][column], then a bias for each channel; a function of seed and layer.
/// Uniform, of the variance that makes that of every convolution's output about 1: activations neither vanish nor explode. All are values
/// that bf16 has, so that a network is the same one in both precisions and only its arithmetic differs.
std::vector<float> random_weights(const Shape& shape, std::size_t layer, std::uint64_t seed);
/// Values from 0 to 1 as an image has them.
std::vector<float> random_input(const Shape& shape, std::uint32_t item, std::uint64_t seed);

/// Where outputs of layers lie in one piece of memory: those that are not needed at the same time share it. The input and the heads share
/// theirs with nobody. In values of one item; each item more has its own of all of it.
struct Arena {
  std::vector<std::size_t> offset;  ///< by layer
  std::size_t size = 0;
};
/// Offsets are multiples of `alignment` values.
Arena plan_arena(const Shape& shape, std::size_t alignment);

}  // namespace tideline::real
