#include "trainer/torch/graphs.h"

#include "trainer/torch/libtorch.h"

namespace aft_torch
{

#ifdef AFT_TORCH_GRAPHS

enum { warm_up_runs = 3, max_graphs = 8 };

struct Graphs::Graph {
    Recipe recipe;
    int runs = 0;
    std::unique_ptr<at::cuda::CUDAGraph> recorded;
};

void Graphs::enable()
{
    enabled_ = true;
    state_ = "CUDA graphs";
}

Graphs::Graph *Graphs::find(const Recipe &recipe)
{
    for (const auto &graph : graphs_) {
        if (graph->recipe == recipe) {
            return graph.get();
        }
    }
    if (graphs_.size() == max_graphs) { /* each keeps memory; a run needs three or four */
        graphs_.erase(graphs_.begin());
    }
    graphs_.push_back(std::make_unique<Graph>());
    graphs_.back()->recipe = recipe;
    return graphs_.back().get();
}

/* Recording does nothing but record. Where it fails, the work is done without graphs
 * from then on, which is slower and the same to the bit. */
bool Graphs::record(Graph *graph, const std::function<void()> &work)
{
    auto recorded = std::make_unique<at::cuda::CUDAGraph>();
    bool recording = false;
    try {
        recorded->capture_begin();
        recording = true;
        work();
        recording = false;
        recorded->capture_end();
        graph->recorded = std::move(recorded);
        return true;
    } catch (const std::exception &e) {
        state_ = std::string("no CUDA graphs: ") + e.what();
        state_ = state_.substr(0, state_.find('\n'));
    }
    if (recording) {
        try {
            recorded->capture_end();
        } catch (const std::exception &) { /* the recording was invalid: known already */
        }
    }
    enabled_ = false;
    return false;
}

void Graphs::run(const Recipe &recipe, const std::function<void()> &work)
{
    if (!enabled_) {
        work();
        return;
    }
    Graph *graph = find(recipe);
    if (graph->recorded == nullptr && (graph->runs++ < warm_up_runs || !record(graph, work))) {
        work();
        return;
    }
    graph->recorded->replay();
}

#else

struct Graphs::Graph {
};

void Graphs::enable()
{
    state_ = "no CUDA graphs in this build";
}

void Graphs::run(const Recipe &, const std::function<void()> &work)
{
    work();
}

#endif

Graphs::Graphs() = default;
Graphs::~Graphs() = default;

void Graphs::forget()
{
    graphs_.clear();
}

const std::string &Graphs::state() const
{
    return state_;
}

} // namespace aft_torch
