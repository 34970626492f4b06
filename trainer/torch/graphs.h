/*
 * CUDA graphs: what a minibatch or a step of the rollout puts on the device is
 * some hundred small kernels, each of which takes longer to launch than to run.
 * Recorded once, they are launched together.
 *
 * A recipe says what is recorded, with everything that the recording holds on to
 * by value; what changes from one run to the next lies in tensors that stay at
 * their addresses. Where there are no graphs (on the CPU; with a libtorch without
 * CUDA) the work is simply done, by the same function.
 */
#ifndef AFT_TRAINER_TORCH_GRAPHS_H
#define AFT_TRAINER_TORCH_GRAPHS_H

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace aft_torch
{

struct Recipe {
    enum class Work { act, update } work;
    int64_t rows;
    std::array<float, 8> constants;
    bool operator==(const Recipe &other) const
    {
        return work == other.work && rows == other.rows && constants == other.constants;
    }
};

class Graphs
{
  public:
    Graphs();
    ~Graphs();

    /* To be called on CUDA, where all work is put on one stream that is not the default one. */
    void enable();

    /* The first runs of a recipe do the work itself, which warms up what must not be set up
     * while recording: handles of cuBLAS, their workspaces, the threads of autograd. */
    void run(const Recipe &recipe, const std::function<void()> &work);

    /* Forgets what was recorded: a tensor that it holds on to has moved. */
    void forget();

    /* In words: whether there are graphs, and if not, why. */
    const std::string &state() const;

  private:
    struct Graph;
    Graph *find(const Recipe &recipe);
    bool record(Graph *graph, const std::function<void()> &work);

    bool enabled_ = false;
    std::string state_;
    std::vector<std::unique_ptr<Graph>> graphs_;
};

} // namespace aft_torch

#endif
