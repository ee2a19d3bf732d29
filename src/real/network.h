// Networks in the shape of YOLOv5 (version 6 of its definition): layers in the order in which they run, and their random weights.
#pragma once

#include "src/real/backend.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tideline::real {

enum class LayerKind : std::uint8_t {
  input,
  convolution,  ///< with bias, padded by (kernel - 1) / 2 (6 x 6: by 2), followed by x * sigmoid(x) where `swish`
  add,          ///< of two layers of one shape
  concat,       ///< of channels, in order
  max_pool,     ///< stride 1, padded
  upsample      ///< nearest, by two
};

struct Layer {
  LayerKind kind = LayerKind::convolution;
  std::vector<std::uint32_t> from;  ///< layers that it reads
  std::uint32_t channels = 0, side = 0;
  std::uint32_t kernel = 1, stride = 1;
  bool swish = true;

  std::uint32_t padding() const { return kernel == 6 ? 2 : (kernel - 1) / 2; }
  std::size_t values() const { return std::size_t{channels} * side * side; }  ///< of one item
};

/// A network without its weights: layer 0 is the input of 3 channels.
struct Shape {
  std::vector<Layer> layers;
  std::vector<std::uint32_t> heads;  ///< layers that are its output

  std::uint64_t parameters() const;  ///< weights and biases; batch normalisation is part of them
  double flops() const;              ///< of one item: two for each multiplication and addition of a convolution
};

/// Source: the published definition of YOLOv5 (github.com/ultralytics/yolov5, models/yolov5s.yaml and models/common.py, version 6.0):
/// stem, C3 stages, SPPF, two ways of a PAN, three heads of 255 channels (80 classes, 3 anchors).
/// Throws CannotRun for a name that is no shape, or a resolution that is no multiple of 32.
Shape shape_of(const NetworkSpec& spec);

/// Names of the shapes.
const std::vector<std::string>& shape_names();

/// Weights of one convolution: output channels x input channels x kernel x kernel, and biases.
struct Weights {
  std::vector<float> weights, biases;
};
/// Of layer `k`: normal with a variance that keeps that of the values from layer to layer, by (seed, layer).
Weights weights_of(const Shape& shape, std::size_t k, std::uint64_t seed);

/// Input of an item that nobody set: uniform in 0 .. 1, by (seed, item).
std::vector<float> random_input(const Shape& shape, std::uint64_t seed, std::uint32_t item);

}  // namespace tideline::real
