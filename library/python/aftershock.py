"""The controlled building of an Aftershock curriculum as learning environments.

    import aftershock
    env = aftershock.VecEnv("models/default/stage1_50kN.zip")    # for Stable-Baselines3
    env = aftershock.VectorEnv("stages.ini", stage=2)            # for Gymnasium, 1.1 or later
    env = aftershock.Env("stages.ini")                           # for Gymnasium, one at a time
    env = aftershock.Environments("stages.ini")                  # NumPy, nothing else

Each is made from a curriculum's INI, or from an archive of a training, which brings its
curriculum, its settings and its stage along. Keyword arguments of all four:

    stage      of the curriculum, counted from 1 (an archive's own; else 1)
    n_envs     environments in the batch (as the curriculum says; not for Env)
    seed       of motions and sensor noise (as the curriculum says)
    threads    that step the batch (1); 0: as many as there are cores
    settings   a list of "SECTION.KEY=VALUE", as `aftershock train --set`

The work is done by libaftershock, through its C interface (aftershock/aftershock.h). It is
looked for in the folder that this file was installed with, then where the system looks for
libraries; the environment variable AFTERSHOCK_LIBRARY names another file.
"""

import ctypes
import glob
import json
import operator
import os
import time
import zipfile

import numpy as np

__all__ = ["Env", "Environments", "Error", "VecEnv", "VectorEnv"]

_ABI_VERSION = 1
_LIBRARY_FILE = "libaftershock.so.%d" % _ABI_VERSION


class Error(RuntimeError):
    """What the library refused or could not do; `code` is the number in aftershock.h."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class _Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("message", ctypes.c_char * 256)]


class _Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("stage", ctypes.c_int32),
        ("n_envs", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("n_settings", ctypes.c_int32),
        ("settings", ctypes.POINTER(ctypes.c_char_p)),
    ]


class _Results(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("n_envs", ctypes.c_int32),
        ("obs_dim", ctypes.c_int32),
        ("n_metrics", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("obs", ctypes.c_void_p),
        ("final_obs", ctypes.c_void_p),
        ("reward", ctypes.c_void_p),
        ("terminated", ctypes.c_void_p),
        ("truncated", ctypes.c_void_p),
        ("metrics", ctypes.c_void_p),
    ]


def _library_path():
    named = os.environ.get("AFTERSHOCK_LIBRARY")
    if named:
        return named
    # PREFIX/share/aftershock/python/aftershock.py, or library/python/ of a source tree
    here = os.path.dirname(os.path.realpath(__file__))
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    tree = os.path.dirname(os.path.dirname(here))
    for pattern in (
        os.path.join(tree, "build", _LIBRARY_FILE),
        os.path.join(prefix, "lib*", _LIBRARY_FILE),
        os.path.join(prefix, "lib", "*", _LIBRARY_FILE),
    ):
        found = sorted(glob.glob(pattern))
        if found:
            return found[0]
    return _LIBRARY_FILE


def _declare(library):
    size, pointer, number = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int32
    options, error = ctypes.POINTER(_Options), ctypes.POINTER(_Error)
    env = ctypes.POINTER(pointer)
    for name, result, arguments in (
        ("version", ctypes.c_char_p, []),
        ("create", number, [env, ctypes.c_char_p, options, error]),
        (
            "create_from_text",
            number,
            [env, ctypes.c_char_p, size, ctypes.c_char_p, options, error],
        ),
        ("close", None, [env]),
        ("n_envs", number, [pointer]),
        ("obs_dim", number, [pointer]),
        ("action_dim", number, [pointer]),
        ("threads", number, [pointer]),
        ("step_s", ctypes.c_double, [pointer]),
        ("force_limit_n", ctypes.c_double, [pointer]),
        ("n_metrics", number, [pointer]),
        ("metric_name", ctypes.c_char_p, [pointer, number]),
        ("seed", None, [pointer, ctypes.c_uint64]),
        ("reset", number, [pointer, pointer, size, error]),
        ("step", number, [pointer, pointer, size, ctypes.POINTER(_Results), error]),
    ):
        function = getattr(library, "aftershock_" + name)
        function.restype = result
        function.argtypes = arguments


_loaded = None


def _library():
    global _loaded
    if _loaded is None:
        path = _library_path()
        try:
            library = ctypes.CDLL(path)
        except OSError as cause:
            raise ImportError(
                "load %s: %s; AFTERSHOCK_LIBRARY may name the file" % (path, cause)
            ) from None
        library.aftershock_abi_version.restype = ctypes.c_int32
        version = library.aftershock_abi_version()
        if version != _ABI_VERSION:
            raise ImportError(
                "load %s: its interface has version %d, this file is for %d"
                % (path, version, _ABI_VERSION)
            )
        _declare(library)
        _loaded = library
    return _loaded


def _whole(name, value):
    """Fits the field of _Options that it is for: ctypes would take its lowest bits only."""
    value = operator.index(value)
    if not -(2**31) <= value < 2**31:
        raise ValueError("%s is %d, expected a number of 32 bits" % (name, value))
    return value


class _Curriculum:
    """An INI's path, or what an archive says of its curriculum."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self.text = None
        self.stage = 1
        self.settings = []
        if zipfile.is_zipfile(self.path):
            try:
                with zipfile.ZipFile(self.path) as archive:
                    self.text = archive.read("curriculum.ini")
                    manifest = json.loads(archive.read("manifest.json"))
            except KeyError:
                raise ValueError(
                    "%s holds no curriculum: it is no archive of Aftershock's" % self.path
                ) from None
            self.stage = manifest["stage"]
            self.settings = manifest["overrides"]


class Step:
    """What a step gave: arrays by environment, which are the caller's to keep."""

    __slots__ = ("obs", "reward", "terminated", "truncated", "final_obs", "metrics")


class Environments:
    """A batch of n_envs buildings that are stepped together.

    Episodes start anew by themselves: where one has ended (`terminated` or `truncated`),
    the row of `obs` is the first observation of the next one, that of `final_obs` the last
    one of the episode that ended, and that of `metrics` its figures. Elsewhere the rows of
    these two mean nothing. The first episodes of a batch end at different times.

    One object is for one thread at a time. In a forked process it is closed: the threads
    that step the batch do not survive a fork.
    """

    def __init__(self, curriculum, stage=None, n_envs=None, seed=None, threads=1, settings=()):
        self._handle = ctypes.c_void_p()
        self._process = os.getpid()
        if n_envs is not None and n_envs < 1:
            raise ValueError("n_envs is %r, expected 1 or more" % (n_envs,))
        self._library = _library()
        source = _Curriculum(curriculum)
        self._create(source, source.stage if stage is None else stage, n_envs, threads, settings)
        library, handle = self._library, self._handle
        self.n_envs = library.aftershock_n_envs(handle)
        self.obs_dim = library.aftershock_obs_dim(handle)
        self.action_dim = library.aftershock_action_dim(handle)
        self.threads = library.aftershock_threads(handle)
        self.step_s = library.aftershock_step_s(handle)
        self.force_limit_n = library.aftershock_force_limit_n(handle)
        self.metric_names = [
            library.aftershock_metric_name(handle, i).decode()
            for i in range(library.aftershock_n_metrics(handle))
        ]
        self._make_arrays()
        if seed is not None:
            self.seed(seed)

    def _create(self, source, stage, n_envs, threads, settings):
        if isinstance(settings, str):
            raise TypeError("settings is a list of strings, not a string")
        texts = [os.fsencode(text) for text in list(source.settings) + list(settings)]
        options = _Options(
            size=ctypes.sizeof(_Options),
            stage=_whole("stage", stage),
            n_envs=_whole("n_envs", n_envs or 0),
            threads=_whole("threads", threads),
            n_settings=len(texts),
            settings=(ctypes.c_char_p * len(texts))(*texts),
        )
        error = _Error()
        if source.text is None:
            code = self._library.aftershock_create(
                self._handle, os.fsencode(source.path), options, error
            )
        else:
            code = self._library.aftershock_create_from_text(
                self._handle, source.text, len(source.text), b"curriculum.ini", options, error
            )
        self._check(code, error)

    def _make_arrays(self):
        """The library writes into these; callers get copies."""
        n, metrics = self.n_envs, len(self.metric_names)
        self._obs = np.zeros((n, self.obs_dim), np.float32)
        self._final_obs = np.zeros((n, self.obs_dim), np.float32)
        self._reward = np.zeros(n, np.float32)
        self._terminated = np.zeros(n, np.bool_)
        self._truncated = np.zeros(n, np.bool_)
        self._metrics = np.zeros((n, metrics), np.float32)
        self._error = _Error()
        self._results = _Results(
            size=ctypes.sizeof(_Results),
            n_envs=n,
            obs_dim=self.obs_dim,
            n_metrics=metrics,
            obs=self._obs.ctypes.data,
            final_obs=self._final_obs.ctypes.data,
            reward=self._reward.ctypes.data,
            terminated=self._terminated.ctypes.data,
            truncated=self._truncated.ctypes.data,
            metrics=self._metrics.ctypes.data,
        )

    @staticmethod
    def _check(code, error):
        if code != 0:
            raise Error(code, error.message.decode(errors="replace"))

    def _open_handle(self):
        if not self._handle or self._process != os.getpid():
            raise ValueError("the environments are closed")
        return self._handle

    def seed(self, seed):
        """Takes effect with the next reset, which begins the first episodes of that seed."""
        seed = int(seed)
        if not 0 <= seed < 2**64:
            raise ValueError("seed is %d, expected 0 to 2^64 - 1" % seed)
        self._library.aftershock_seed(self._open_handle(), seed)

    def reset(self):
        """First observations [n_envs, obs_dim]: of the first episodes; on later calls
        without a new seed the present episodes are broken off and the next ones begin."""
        handle = self._open_handle()
        code = self._library.aftershock_reset(
            handle, self._obs.ctypes.data, self._obs.size, self._error
        )
        self._check(code, self._error)
        return self._obs.copy()

    def _take_actions(self, actions):
        actions = np.asarray(actions)
        shape = (self.n_envs, self.action_dim)
        if actions.shape != shape:
            raise ValueError("actions have shape %s, expected %s" % (actions.shape, shape))
        if not np.can_cast(actions.dtype, np.float32, "same_kind"):
            raise TypeError("actions are of type %s, expected float32" % actions.dtype)
        return np.ascontiguousarray(actions, np.float32)

    def step(self, actions):
        """One control step with actions [n_envs, action_dim] in -1…1; gives a Step."""
        handle = self._open_handle()
        actions = self._take_actions(actions)
        code = self._library.aftershock_step(
            handle, actions.ctypes.data, actions.size, self._results, self._error
        )
        self._check(code, self._error)
        step = Step()
        step.obs = self._obs.copy()
        step.reward = self._reward.copy()
        step.terminated = self._terminated.copy()
        step.truncated = self._truncated.copy()
        step.final_obs = self._final_obs.copy()
        step.metrics = self._metrics.copy()
        return step

    def metrics_of(self, step, env):
        """The figures of the episode of that environment that ended in the step, by name."""
        return {name: float(step.metrics[env, i]) for i, name in enumerate(self.metric_names)}

    def close(self):
        if self._handle and self._process == os.getpid():
            self._library.aftershock_close(self._handle)
        self._handle = ctypes.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()


def _spaces(environments):
    from gymnasium import spaces

    return (
        spaces.Box(-np.inf, np.inf, (environments.obs_dim,), np.float32),
        spaces.Box(-1.0, 1.0, (environments.action_dim,), np.float32),
    )


def _make_env():
    import gymnasium

    class Env(gymnasium.Env):
        """One building for Gymnasium.

        After the end of an episode, `step` is refused until `reset`, which begins the next
        episode; in the midst of one it breaks that off. With a seed it begins the first
        episode of that seed. The last step's info holds the episode's figures.
        """

        metadata = {"render_modes": []}

        def __init__(self, curriculum, stage=None, seed=None, settings=()):
            self.environments = Environments(curriculum, stage, 1, seed, 1, settings)
            self.observation_space, self.action_space = _spaces(self.environments)
            self._next_obs = None  # the library is at the next episode's beginning
            self._ended = False

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            if seed is not None:
                self.environments.seed(seed)
                self._next_obs = None
            obs = self.environments.reset()[0] if self._next_obs is None else self._next_obs
            self._next_obs = None
            self._ended = False
            return obs, {}

        def step(self, action):
            if self._ended:
                raise gymnasium.error.ResetNeeded("the episode has ended: reset first")
            step = self.environments.step(np.reshape(action, (1, -1)))
            terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
            obs, info = step.obs[0], {}
            if terminated or truncated:
                self._ended = True
                self._next_obs = obs
                obs = step.final_obs[0]
                info = self.environments.metrics_of(step, 0)
            return obs, float(step.reward[0]), terminated, truncated, info

        def close(self):
            self.environments.close()

    return Env


def _make_vector_env():
    import gymnasium

    try:
        same_step = gymnasium.vector.AutoresetMode.SAME_STEP
    except AttributeError:
        raise ImportError("aftershock.VectorEnv needs Gymnasium 1.1 or later") from None

    class VectorEnv(gymnasium.vector.VectorEnv):
        """A batch of buildings for Gymnasium 1.1 or later, with AutoresetMode.SAME_STEP.

        Where an episode ends in a step, the row of the observation is the first one of the
        next episode; info["final_obs"] has the last one, and info["final_info"] the
        episode's figures by name. "_final_obs" and "_final_info" say in which rows.
        """

        metadata = {"render_modes": [], "autoreset_mode": same_step}

        def __init__(
            self, curriculum, stage=None, n_envs=None, seed=None, threads=1, settings=()
        ):
            self.environments = Environments(curriculum, stage, n_envs, seed, threads, settings)
            self.num_envs = self.environments.n_envs
            self.single_observation_space, self.single_action_space = _spaces(self.environments)
            batch = gymnasium.vector.utils.batch_space
            self.observation_space = batch(self.single_observation_space, self.num_envs)
            self.action_space = batch(self.single_action_space, self.num_envs)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            if seed is not None:
                self.environments.seed(seed)
            return self.environments.reset(), {}

        def step(self, actions):
            step = self.environments.step(actions)
            ended = step.terminated | step.truncated
            info = {}
            if ended.any():
                figures = {}
                for i, name in enumerate(self.environments.metric_names):
                    figures[name] = np.where(ended, step.metrics[:, i], 0.0)
                    figures["_" + name] = ended.copy()
                info = {
                    "final_obs": np.where(ended[:, None], step.final_obs, 0.0),
                    "_final_obs": ended.copy(),
                    "final_info": figures,
                    "_final_info": ended,
                }
            return step.obs, step.reward, step.terminated, step.truncated, info

        def close_extras(self, **_):
            self.environments.close()

    return VectorEnv


def _make_vec_env():
    from stable_baselines3.common import monitor, vec_env

    class VecEnv(vec_env.VecEnv):
        """A batch of buildings for Stable-Baselines3.

        Where an episode ends in a step, infos[i] has "terminal_observation",
        "TimeLimit.truncated", "episode" with r, l and t as Monitor writes them, and the
        episode's figures by name. `seed` takes one seed for all, from the next reset on.
        """

        render_mode = None

        def __init__(
            self, curriculum, stage=None, n_envs=None, seed=None, threads=1, settings=()
        ):
            self.environments = Environments(curriculum, stage, n_envs, seed, threads, settings)
            super().__init__(self.environments.n_envs, *_spaces(self.environments))
            self._actions = None
            self._began = time.time()
            self._forget_episodes()

        def _forget_episodes(self):
            self._returns = np.zeros(self.num_envs)
            self._lengths = np.zeros(self.num_envs, np.int64)

        def seed(self, seed=None):
            if seed is None:
                seed = int(np.random.randint(0, 2**32, dtype=np.uint64))
            self.environments.seed(seed)
            return [seed] * self.num_envs

        def reset(self):
            self._forget_episodes()
            return self.environments.reset()

        def step_async(self, actions):
            self._actions = actions

        def step_wait(self):
            step = self.environments.step(self._actions)
            self._returns += step.reward
            self._lengths += 1
            dones = step.terminated | step.truncated
            infos = [{} for _ in range(self.num_envs)]
            for i in np.flatnonzero(dones):
                infos[i] = self._info_of_end(step, i)
            return step.obs, step.reward, dones, infos

        def _info_of_end(self, step, i):
            info = self.environments.metrics_of(step, i)
            info["terminal_observation"] = step.final_obs[i]
            info["TimeLimit.truncated"] = bool(step.truncated[i])
            info["episode"] = {
                "r": round(float(self._returns[i]), 6),
                "l": int(self._lengths[i]),
                "t": round(time.time() - self._began, 6),
            }
            self._returns[i] = 0.0
            self._lengths[i] = 0
            return info

        def close(self):
            self.environments.close()

        # The environments are one object: an attribute is the same for all of them.
        def get_attr(self, attr_name, indices=None):
            return [getattr(self, attr_name) for _ in self._get_indices(indices)]

        def set_attr(self, attr_name, value, indices=None):
            if len(list(self._get_indices(indices))) != self.num_envs:
                raise ValueError("'%s' cannot differ between environments" % attr_name)
            setattr(self, attr_name, value)

        def env_method(self, method_name, *method_args, indices=None, **method_kwargs):
            raise AttributeError("a building has no method '%s' of its own" % method_name)

        def env_is_wrapped(self, wrapper_class, indices=None):
            """Of a Monitor, because infos have what it would put there."""
            wrapped = issubclass(monitor.Monitor, wrapper_class)
            return [wrapped for _ in self._get_indices(indices)]

    return VecEnv


# Made when they are first asked for: Gymnasium and Stable-Baselines3 may be missing, and take
# seconds to load.
_MAKERS = {"Env": _make_env, "VectorEnv": _make_vector_env, "VecEnv": _make_vec_env}


def __getattr__(name):
    if name not in _MAKERS:
        raise AttributeError("module 'aftershock' has no attribute '%s'" % name)
    made = _MAKERS[name]()
    made.__qualname__ = name
    globals()[name] = made
    return made
