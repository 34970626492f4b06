"""library/python/aftershock.py on libaftershock: with NumPy alone, and, where they are
installed, as an environment of Gymnasium and of Stable-Baselines3.

The CMake test sets PYTHONPATH and AFTERSHOCK_LIBRARY. Exit status 77 (skipped) where
python3-numpy is not installed.
"""

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

try:
    import numpy as np
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

import aftershock

try:
    import gymnasium
except ImportError:
    gymnasium = None
try:
    import stable_baselines3
except ImportError:
    stable_baselines3 = None

CURRICULUM = os.path.join(os.environ["AFT_SOURCE_DIR"], "stages.ini")
SHORT = ["environment.episode_s=2"]  # 50 steps


def actions_of(environments, step):
    number = np.arange(1, environments.n_envs + 1, dtype=np.float32)
    return np.sin(step * number)[:, None].astype(np.float32)


def roll(environments, steps):
    """Everything that some steps give, after a reset."""
    parts = [environments.reset()]
    for number in range(steps):
        step = environments.step(actions_of(environments, number))
        ended = step.terminated | step.truncated
        parts += [step.obs, step.reward, ended, step.final_obs[ended], step.metrics[ended]]
    return parts


def same(parts, others):
    return len(parts) == len(others) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(parts, others)
    )


def archive_of(folder, stage, overrides):
    """What the library's user needs of an archive; not its weights."""
    path = os.path.join(folder, f"stage{stage}.zip")
    with open(CURRICULUM, "rb") as file, zipfile.ZipFile(path, "w") as archive:
        archive.writestr("curriculum.ini", file.read())
        archive.writestr("manifest.json", json.dumps({"stage": stage, "overrides": overrides}))
    return path


class OfEnvironments(unittest.TestCase):
    def test_the_same_seed_gives_the_same_bits(self):
        with aftershock.Environments(CURRICULUM, n_envs=9, settings=SHORT) as env:
            first = roll(env, 60)
            self.assertFalse(same(first, roll(env, 60)))  # the next episodes
            env.seed(1)  # the curriculum's
            self.assertTrue(same(first, roll(env, 60)))
        with aftershock.Environments(
            CURRICULUM, n_envs=9, seed=1, threads=2, settings=SHORT
        ) as env:
            self.assertEqual(env.threads, 2)
            self.assertTrue(same(first, roll(env, 60)))
            env.seed(2)
            self.assertFalse(same(first, roll(env, 60)))

    def test_arrays_are_the_callers(self):
        with aftershock.Environments(CURRICULUM, n_envs=3, settings=SHORT) as env:
            obs = env.reset()
            kept = obs.copy()
            step = env.step(np.ones((3, 1), np.float32))
            self.assertTrue(np.array_equal(obs, kept))
            reward = step.reward.copy()
            env.step(np.zeros((3, 1), np.float32))
            self.assertTrue(np.array_equal(step.reward, reward))


    def test_shapes_and_units(self):
        with aftershock.Environments(CURRICULUM, stage=2, n_envs=5) as env:
            self.assertEqual((env.n_envs, env.action_dim, env.threads), (5, 1, 1))
            self.assertEqual(env.reset().shape, (5, env.obs_dim))
            self.assertAlmostEqual(env.step_s, 0.04)
            self.assertAlmostEqual(env.force_limit_n, 100e3)
            self.assertIn("peak_drift_to_passive", env.metric_names)

    def test_actions_of_other_types_are_converted_or_refused(self):
        with aftershock.Environments(CURRICULUM, n_envs=4, seed=3) as env:
            actions = np.array([[0.5], [-0.25], [1.0], [0.0]])
            env.reset()
            expected = env.step(actions.astype(np.float32)).obs
            strided = np.zeros((8, 2))
            strided[::2, :1] = actions
            for given in (actions, actions.tolist(), np.asfortranarray(actions), strided[::2, :1]):
                env.seed(3)
                env.reset()
                self.assertTrue(np.array_equal(env.step(given).obs, expected))
            for shape in ((4,), (4, 2), (3, 1), (1, 4), ()):
                self.assertRaises(ValueError, env.step, np.zeros(shape, np.float32))
            for dtype in (np.complex128, object, "U1"):
                self.assertRaises(TypeError, env.step, np.zeros((4, 1), dtype))

    def test_what_the_library_refuses_is_an_error_with_its_words(self):
        def message(function, *arguments, **options):
            with self.assertRaises(aftershock.Error) as caught:
                function(*arguments, **options)
            return str(caught.exception)

        self.assertIn("nowhere.ini", message(aftershock.Environments, "/nowhere.ini"))
        self.assertIn("stage 7", message(aftershock.Environments, CURRICULUM, stage=7))
        self.assertIn(
            "ppo.x", message(aftershock.Environments, CURRICULUM, settings=["ppo.x=1"])
        )
        with aftershock.Environments(CURRICULUM, n_envs=2) as env:
            zeros = np.zeros((2, 1), np.float32)
            self.assertIn("reset first", message(env.step, zeros))
            env.reset()
            self.assertIn("environment 1", message(env.step, zeros + [[0], [np.nan]]))
            env.step(zeros)

    def test_wrong_arguments_are_refused(self):
        for wrong in ({"n_envs": 0}, {"seed": -1}, {"seed": 2**64}):
            self.assertRaises(ValueError, aftershock.Environments, CURRICULUM, **wrong)
        for name in ("stage", "n_envs", "threads"):  # whose lowest 32 bits are 1
            with self.assertRaises(ValueError) as caught:
                aftershock.Environments(CURRICULUM, **{name: 2**32 + 1})
            self.assertIn("%s is 4294967297" % name, str(caught.exception))
            self.assertRaises(TypeError, aftershock.Environments, CURRICULUM, **{name: 1.5})
        self.assertRaises(TypeError, aftershock.Environments, CURRICULUM, settings="a.b=1")
        self.assertRaises(AttributeError, getattr, aftershock, "Tower")

    def test_closed_is_closed_and_may_be_closed_again(self):
        env = aftershock.Environments(CURRICULUM, n_envs=1)
        env.reset()
        env.close()
        env.close()
        self.assertRaises(ValueError, env.reset)
        self.assertRaises(ValueError, env.step, np.zeros((1, 1), np.float32))
        self.assertRaises(ValueError, env.seed, 1)

    def test_a_forked_process_ends(self):
        """Its finalisers must not wait for threads that only the parent has."""
        env = aftershock.Environments(CURRICULUM, n_envs=32, threads=2)
        env.reset()
        child = os.fork()
        if child == 0:
            try:
                env.reset()
            except ValueError:
                del env
                os._exit(7)
            os._exit(8)
        deadline = time.monotonic() + 60
        ended, status = os.waitpid(child, os.WNOHANG)
        while ended == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
            ended, status = os.waitpid(child, os.WNOHANG)
        if ended == 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self.assertEqual((ended, os.WEXITSTATUS(status)), (child, 7))
        self.assertEqual(env.reset().shape, (32, env.obs_dim))
        env.close()

    def test_an_archive_brings_curriculum_stage_and_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = archive_of(folder, 3, ["run.seed=5", "environment.episode_s=2"])
            settings = ["run.seed=5"] + SHORT
            with aftershock.Environments(archive, n_envs=6) as env:
                of_archive = roll(env, 60)
                self.assertAlmostEqual(env.force_limit_n, 150e3)
            with aftershock.Environments(CURRICULUM, 3, 6, settings=settings) as env:
                self.assertTrue(same(of_archive, roll(env, 60)))
            with aftershock.Environments(archive, stage=1, n_envs=6) as env:
                self.assertAlmostEqual(env.force_limit_n, 50e3)
            other = os.path.join(folder, "other.zip")
            with zipfile.ZipFile(other, "w") as empty:
                empty.writestr("data", "{}")
            self.assertRaises(ValueError, aftershock.Environments, other)


class Recorded:
    """Stands for an object of a class that is not installed: what it was made from."""

    def __init__(self, *arguments):
        self.arguments = arguments


class Recorder(pickle.Unpickler):
    def find_class(self, module, name):
        if module.split(".")[0] in ("stable_baselines3", "gymnasium"):
            return type(name, (Recorded,), {"__module__": module})
        return super().find_class(module, name)


def train(folder, *settings):
    """A stage of 400 steps in 4 environments; its archive."""
    program = os.path.join(os.environ["AFT_BUILD_DIR"], "aftershock")
    chosen = ["stage 1.timesteps=400", "environment.n_envs=4", "ppo.n_steps=50",
              "ppo.batch_size=100", "ppo.network=8", "evaluation.motions=0", *SHORT, *settings]
    command = [program, "train", CURRICULUM, "--models", folder, "--stop-after-stage", "1",
               "--progress", "none", "--engine", "native", "--threads", "1"]
    for setting in chosen:
        command += ["--set", setting]
    subprocess.run(command, check=True, capture_output=True)
    return os.path.join(folder, "default", "stage1_50kN.zip")


class OfArchives(unittest.TestCase):
    def test_a_real_one_makes_its_environment(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = train(folder, "run.seed=8")
            with zipfile.ZipFile(archive) as members:
                self.assertNotIn("vecnormalize.pkl", members.namelist())
            with aftershock.Environments(archive) as env:
                self.assertEqual(env.n_envs, 4)
                of_archive = roll(env, 30)
            with aftershock.Environments(
                CURRICULUM, n_envs=4, settings=SHORT + ["run.seed=8"]
            ) as env:
                self.assertTrue(same(of_archive, roll(env, 30)))

    def check_statistics(self, pickled, state):
        self.assertEqual(pickled.obs_rms.count, 400.0)
        self.assertTrue((pickled.obs_rms.var > 0).any())
        both = pickled.obs_rms.mean.tobytes() + pickled.obs_rms.var.tobytes()
        self.assertIn(both, state)
        self.assertEqual((pickled.clip_obs, pickled.epsilon, pickled.gamma), (8.0, 1e-8, 0.975))
        self.assertTrue(pickled.norm_obs and pickled.training and not pickled.norm_reward)

    def test_normalisation_travels(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = train(folder, "ppo.normalize_observation=true")
            with zipfile.ZipFile(archive) as members:
                state = members.read("state.bin")
                text = members.read("vecnormalize.pkl")
                members.extract("vecnormalize.pkl", folder)
            if stable_baselines3 is None:
                pickled = Recorder(io.BytesIO(text)).load()
                self.assertEqual(type(pickled).__name__, "VecNormalize")
                self.assertEqual(pickled.observation_space.arguments[2], (38,))
                self.check_statistics(pickled, state)
                return
            from stable_baselines3.common.vec_env import VecNormalize

            env = VecNormalize.load(
                os.path.join(folder, "vecnormalize.pkl"), aftershock.VecEnv(archive)
            )
            self.check_statistics(env, state)
            env.training = False
            env.reset()
            obs = env.step(np.ones((4, 1), np.float32))[0]
            mean, var = env.obs_rms.mean, env.obs_rms.var
            expected = np.clip((env.get_original_obs() - mean) / np.sqrt(var + 1e-8), -8, 8)
            self.assertTrue(np.allclose(obs, expected, 1e-6, 1e-6))
            env.save(os.path.join(folder, "again.pkl"))
            env.close()


@unittest.skipIf(gymnasium is None, "gymnasium is not installed")
class OfGymnasium(unittest.TestCase):
    def test_env_passes_the_checker(self):
        from gymnasium.utils.env_checker import check_env

        env = aftershock.Env(CURRICULUM, settings=SHORT)
        check_env(env, skip_render_check=True)
        env.close()

    def test_env_ends_its_episodes_and_begins_the_next(self):
        env = aftershock.Env(CURRICULUM, seed=4, settings=SHORT)
        batch = aftershock.Environments(CURRICULUM, n_envs=1, seed=4, settings=SHORT)
        obs, _ = env.reset()
        self.assertTrue(np.array_equal(obs, batch.reset()[0]))
        action = np.array([0.3], np.float32)
        for number in range(50):
            step = batch.step(action[None])
            obs, reward, terminated, truncated, info = env.step(action)
            self.assertEqual(reward, float(step.reward[0]))
            self.assertEqual((terminated, truncated), (False, number == 49))
        self.assertTrue(np.array_equal(obs, step.final_obs[0]))
        self.assertIn("peak_drift_to_passive", info)
        self.assertRaises(gymnasium.error.ResetNeeded, env.step, action)
        obs, _ = env.reset()
        self.assertTrue(np.array_equal(obs, step.obs[0]))
        rewards = []
        for _ in range(2):
            rewards.append([env.step(action)[1] for _ in range(20)])
            env.reset()  # breaks the episode off
        self.assertNotEqual(*rewards)
        env.close()
        batch.close()

    @unittest.skipUnless(
        gymnasium and hasattr(gymnasium.vector, "AutoresetMode"), "Gymnasium is older than 1.1"
    )
    def test_vector_env_resets_in_the_same_step(self):
        env = aftershock.VectorEnv(CURRICULUM, n_envs=5, settings=SHORT)
        batch = aftershock.Environments(CURRICULUM, n_envs=5, settings=SHORT)
        self.assertEqual(env.metadata["autoreset_mode"].name, "SAME_STEP")
        self.assertEqual(env.observation_space.shape, (5, batch.obs_dim))
        statistics = gymnasium.wrappers.vector.RecordEpisodeStatistics(env)
        obs, _ = statistics.reset(seed=1)
        self.assertTrue(np.array_equal(obs, batch.reset()))
        for number in range(50):
            actions = actions_of(batch, number)
            step = batch.step(actions)
            obs, reward, terminated, truncated, info = statistics.step(actions)
            self.assertTrue(np.array_equal(obs, step.obs))
            self.assertTrue(np.array_equal(reward, step.reward))
            self.assertTrue(np.array_equal(truncated, step.truncated))
            if truncated.any():
                self.assertTrue(np.array_equal(info["_final_obs"], truncated))
                self.assertTrue(
                    np.array_equal(info["final_obs"][truncated], step.final_obs[truncated])
                )
                peaks = info["final_info"]["peak_drift_to_passive"][truncated]
                self.assertTrue(np.array_equal(peaks, step.metrics[truncated, 0]))
                self.assertEqual(info["episode"]["l"][truncated][0], number + 1)
        statistics.close()
        batch.close()


@unittest.skipIf(stable_baselines3 is None, "stable_baselines3 is not installed")
class OfStableBaselines3(unittest.TestCase):
    def test_vec_env_hands_out_what_monitor_would(self):
        env = aftershock.VecEnv(CURRICULUM, n_envs=5, settings=SHORT)
        batch = aftershock.Environments(CURRICULUM, n_envs=5, settings=SHORT)
        self.assertTrue(np.array_equal(env.reset(), batch.reset()))
        returns, began, ended = np.zeros(5), np.zeros(5, int), 0
        for number in range(50):
            actions = actions_of(batch, number)
            step = batch.step(actions)
            obs, reward, dones, infos = env.step(actions)
            returns += step.reward
            self.assertTrue(np.array_equal(obs, step.obs))
            self.assertTrue(np.array_equal(dones, step.truncated))
            for i in np.flatnonzero(dones):
                self.assertTrue(
                    np.array_equal(infos[i]["terminal_observation"], step.final_obs[i])
                )
                self.assertTrue(infos[i]["TimeLimit.truncated"])
                self.assertAlmostEqual(infos[i]["episode"]["r"], returns[i], 4)
                self.assertEqual(infos[i]["episode"]["l"], number + 1 - began[i])
                self.assertIn("peak_drift_to_passive", infos[i])
                ended += 1
            returns[dones] = 0
            began[dones] = number + 1
        self.assertEqual(ended, 5)
        self.assertEqual(env.get_attr("render_mode"), [None] * 5)
        self.assertEqual(len(env.seed(3)), 5)
        env.close()
        batch.close()

    def test_ppo_learns_and_evaluates(self):
        from stable_baselines3 import PPO
        from stable_baselines3.common.evaluation import evaluate_policy
        from stable_baselines3.common.vec_env import VecNormalize

        env = VecNormalize(aftershock.VecEnv(CURRICULUM, n_envs=4, settings=SHORT))
        model = PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, device="cpu")
        model.learn(512)
        self.assertEqual(model.num_timesteps, 512)
        self.assertGreater(len(model.ep_info_buffer), 0)
        evaluate_policy(model, env, n_eval_episodes=4)
        env.close()


if __name__ == "__main__":
    for name, module in (("gymnasium", gymnasium), ("stable_baselines3", stable_baselines3)):
        if module is None:
            print(f"{name} is not installed: its part is skipped")
    unittest.main(verbosity=2)
