// The header in C++, and a building stepped from there. Exit status 0 where all is well.
#include <aftershock/aftershock.h>

#include <cstdio>
#include <vector>

static int fail(const aftershock_error &error)
{
    std::fprintf(stderr, "%s\n", error.message);
    return 1;
}

int main()
{
    aftershock_options options = AFTERSHOCK_OPTIONS;
    aftershock_error error;
    struct aftershock *building = nullptr;
    options.n_envs = 3;
    if (aftershock_create(&building, AFT_SOURCE_DIR "/stages.ini", &options, &error) != 0) {
        return fail(error);
    }
    const std::size_t n = 3, dim = static_cast<std::size_t>(aftershock_obs_dim(building));
    const std::size_t figures = static_cast<std::size_t>(aftershock_n_metrics(building));
    std::vector<float> obs(n * dim), final_obs(n * dim), reward(n), metrics(n * figures);
    std::vector<float> actions(n, 0.5F);
    std::vector<uint8_t> terminated(n), truncated(n);
    aftershock_results results = {};
    results.size = sizeof results;
    results.n_envs = static_cast<int32_t>(n);
    results.obs_dim = static_cast<int32_t>(dim);
    results.n_metrics = static_cast<int32_t>(figures);
    results.obs = obs.data();
    results.final_obs = final_obs.data();
    results.reward = reward.data();
    results.terminated = terminated.data();
    results.truncated = truncated.data();
    results.metrics = metrics.data();
    if (aftershock_reset(building, obs.data(), obs.size(), &error) != 0) {
        return fail(error);
    }
    const std::vector<float> first = obs;
    for (int step = 0; step < 10; step++) {
        if (aftershock_step(building, actions.data(), n, &results, &error) != 0) {
            return fail(error);
        }
    }
    aftershock_close(&building);
    if (obs == first || building != nullptr) {
        std::fputs("ten steps changed nothing\n", stderr);
        return 1;
    }
    return 0;
}
