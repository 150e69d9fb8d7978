"""The azure-native provider plugin for where the real one can't be had; `installed` leads the engine to it."""
