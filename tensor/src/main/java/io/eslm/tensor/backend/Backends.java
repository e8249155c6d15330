// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Finds backends and opens the wanted one. A backend that was asked for but cannot start is an error that says why. */
public final class Backends {
    private Backends() {
    }

    /** All providers on the module path or class path, most preferred first, usable or not, and those that could be there. */
    public static List<BackendProvider> all() {
        List<BackendProvider> found = new ArrayList<>();
        ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).forEach(found::add);
        if (found.stream().noneMatch(p -> p.name().equals(MissingBackend.TORNADO.name()))) {
            found.add(MissingBackend.TORNADO);
        }
        return found.stream().sorted(Comparator.comparingInt(BackendProvider::preference).reversed()
                .thenComparing(BackendProvider::name))
                .toList();
    }

    /**
     * Opens the backend {@code name}, or with "auto" the most preferred usable one.
     *
     * @param threads number of threads for kernels on the CPU; 0 means all cores
     * @throws UserError if there is no such backend, or it cannot start here
     */
    public static Backend open(String name, int threads) {
        if (threads < 0) {
            throw new UserError("--threads " + threads + ": must be 0 (all cores) or more");
        }
        List<BackendProvider> all = all();
        if (name.equals("auto")) {
            return all.stream().filter(p -> p.unusableBecause() == null).findFirst()
                    .orElseThrow(() -> new UserError("no backend can start here: " + reasons(all))).open(threads);
        }
        BackendProvider wanted = all.stream().filter(p -> p.name().equals(name)).findFirst()
                .orElseThrow(() -> new UserError("--backend " + name + ": no such backend; there are auto, "
                        + all.stream().map(BackendProvider::name).collect(Collectors.joining(", "))));
        String why = wanted.unusableBecause();
        if (why != null) {
            throw new UserError("backend '" + name + "' was asked for but cannot start: " + why);
        }
        return wanted.open(threads);
    }

    private static String reasons(List<BackendProvider> all) {
        return all.stream().map(p -> p.name() + ": " + p.unusableBecause()).collect(Collectors.joining("; "));
    }
}
