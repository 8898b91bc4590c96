// ResNet-50's convolutions under oneDNN, layer by layer: seconds of the forward pass, the gradient of the input and the
// gradient of the weights, as JSON lines. Every layer has memory of its own and all layers run one after the other, as in a
// step, so that no layer finds its operands in cache because it has just run. Layouts and algorithm are oneDNN's choice, and
// no reorder is counted.
//
//   g++ -O2 -o layers layers.cpp -ldnnl && OMP_NUM_THREADS=2 ./layers 16 224 6
//
// Written for oneDNN 2.6 (Debian's libdnnl-dev), the last line with Winograd on x86.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

using namespace dnnl;
using Clock = std::chrono::steady_clock;
using Arguments = std::unordered_map<int, memory>;

struct Shape {
    std::string name;
    memory::dim inputs, outputs, kernel, stride, padding, side;
};

static std::vector<Shape> resnet50(memory::dim image) {
    std::vector<Shape> list{{"conv1", 3, 64, 7, 2, 3, image}};
    memory::dim inputs = 64, side = image / 4;
    const memory::dim blocks[] = {3, 4, 6, 3};
    for (int stage = 0; stage < 4; ++stage) {
        const memory::dim width = memory::dim(64) << stage;
        for (memory::dim block = 0; block < blocks[stage]; ++block) {
            const memory::dim stride = block == 0 && stage > 0 ? 2 : 1;
            const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
            list.push_back({name + ".conv1", inputs, width, 1, 1, 0, side});
            list.push_back({name + ".conv2", width, width, 3, stride, 1, side});
            list.push_back({name + ".conv3", width, 4 * width, 1, 1, 0, side / stride});
            if (block == 0) list.push_back({name + ".downsample.0", inputs, 4 * width, 1, stride, 0, side});
            inputs = 4 * width;
            side /= stride;
        }
    }
    return list;
}

struct Pass {
    const char *kind;
    primitive run;
    Arguments arguments;
    double best = 1e9;
};

struct Layer {
    Shape shape;
    double flops;
    std::vector<Pass> passes;
};

static memory filled(const memory::desc &desc, const engine &cpu) {
    memory result(desc, cpu);
    float *numbers = static_cast<float *>(result.get_data_handle());
    for (size_t i = 0; i < desc.get_size() / sizeof(float); ++i) numbers[i] = float(int(i * 2654435761u >> 24) - 128) / 128;
    return result;
}

int main(int argc, char **argv) {
    const memory::dim batch = argc > 1 ? atoi(argv[1]) : 16, image = argc > 2 ? atoi(argv[2]) : 224;
    const int rounds = argc > 3 ? atoi(argv[3]) : 6;
    const engine cpu(engine::kind::cpu, 0);
    stream queue(cpu);
    std::vector<Layer> layers;
    for (const Shape &s : resnet50(image)) {
        const memory::dim out = (s.side + 2 * s.padding - s.kernel) / s.stride + 1;
        const auto any = [](memory::dims dims) {
            return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
        };
        const auto src = any({batch, s.inputs, s.side, s.side}), weights = any({s.outputs, s.inputs, s.kernel, s.kernel});
        const auto dst = any({batch, s.outputs, out, out});
        const memory::dims stride{s.stride, s.stride}, padding{s.padding, s.padding};
        const auto chosen = algorithm::convolution_auto;
        const convolution_forward::primitive_desc forward(
            {prop_kind::forward_training, chosen, src, weights, dst, stride, padding, padding}, cpu);
        const convolution_backward_data::primitive_desc data(
            {chosen, src, weights, dst, stride, padding, padding}, cpu, forward);
        const convolution_backward_weights::primitive_desc update(
            {chosen, src, weights, dst, stride, padding, padding}, cpu, forward);
        Layer layer{s, 2.0 * batch * out * out * s.outputs * s.inputs * s.kernel * s.kernel, {}};
        layer.passes.push_back({"conv", convolution_forward(forward),
            {{DNNL_ARG_SRC, filled(forward.src_desc(), cpu)}, {DNNL_ARG_WEIGHTS, filled(forward.weights_desc(), cpu)},
                {DNNL_ARG_DST, filled(forward.dst_desc(), cpu)}}});
        if (s.name != "conv1")
            layer.passes.push_back({"backward data", convolution_backward_data(data),
                {{DNNL_ARG_DIFF_DST, filled(data.diff_dst_desc(), cpu)}, {DNNL_ARG_WEIGHTS, filled(data.weights_desc(), cpu)},
                    {DNNL_ARG_DIFF_SRC, filled(data.diff_src_desc(), cpu)}}});
        layer.passes.push_back({"backward weights", convolution_backward_weights(update),
            {{DNNL_ARG_DIFF_DST, filled(update.diff_dst_desc(), cpu)}, {DNNL_ARG_SRC, filled(update.src_desc(), cpu)},
                {DNNL_ARG_DIFF_WEIGHTS, filled(update.diff_weights_desc(), cpu)}}});
        layers.push_back(layer);
    }
    const auto timed = [&](Pass &pass) {
        const auto start = Clock::now();
        pass.run.execute(queue, pass.arguments);
        queue.wait();
        pass.best = std::min(pass.best, std::chrono::duration<double>(Clock::now() - start).count());
    };
    for (int round = 0; round <= rounds; ++round) {
        for (Layer &layer : layers) timed(layer.passes[0]);
        for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
            for (size_t pass = 1; pass < layer->passes.size(); ++pass) timed(layer->passes[pass]);
    }
    for (const Layer &layer : layers)
        for (const Pass &pass : layer.passes)
            printf("{\"layer\": \"%s\", \"kind\": \"%s\", \"seconds\": %.6f, \"flops\": %.0f}\n",
                layer.shape.name.c_str(), pass.kind, pass.best, layer.flops);
}
