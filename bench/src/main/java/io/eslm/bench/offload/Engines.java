// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Everything that can be timed here, the Vector API on one thread first. */
final class Engines {
    private Engines() {
    }

    /**
     * Plain Java; the Vector API on 1, 2, 4 … threads and on all; every other backend that can start; the libraries.
     *
     * @param threads most threads; 0: all cores
     * @param names of those that are wanted, or their first words; empty: all
     * @throws UserError if a name is that of none, or none of them is on the host
     */
    static List<Engine> open(int threads, List<Blas> libraries, List<String> names) {
        List<Engine> all = open(threads, libraries);
        List<Engine> wanted = all.stream()
                .filter(e -> names.isEmpty() || names.stream().anyMatch(n -> isNamed(e, n))).toList();
        String there = String.join(", ", all.stream().map(Engine::name).toList());
        all.stream().filter(e -> !wanted.contains(e)).forEach(Engine::close);
        for (String name : names) {
            if (wanted.stream().noneMatch(e -> isNamed(e, name))) {
                wanted.forEach(Engine::close);
                throw new UserError("--engines " + name + ": there is none of that name; there are " + there);
            }
        }
        if (wanted.stream().noneMatch(Engine::onHost)) {
            wanted.forEach(Engine::close);
            throw new UserError("--engines " + String.join(",", names)
                    + ": add one that computes on Java's arrays, with which the others are compared; there are "
                    + there);
        }
        return wanted;
    }

    private static boolean isNamed(Engine e, String name) {
        return e.name().equals(name) || e.name().startsWith(name + " ");
    }

    private static List<Engine> open(int threads, List<Blas> libraries) {
        int most = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
        List<Engine> all = new ArrayList<>();
        for (BackendProvider provider : Backends.all()) {
            if (provider.unusableBecause() != null) {
                continue;
            }
            switch (provider.name()) {
                case "scalar" -> all.add(BackendEngine.of("scalar", provider.open(1), 1));
                case "vector" ->
                        counts(most).forEach(n -> all.add(BackendEngine.of("vector " + n, provider.open(n), n)));
                default -> all.add(BackendEngine.of(provider.name(), provider.open(threads), most));
            }
        }
        for (Blas library : libraries) {
            if (library.hasThreads()) {
                counts(most).forEach(n -> all.add(BlasEngine.of(library, n)));
            } else {
                all.add(BlasEngine.of(library, 0));
            }
        }
        return all;
    }

    /** 1, 2, 4 … below {@code most}, and {@code most}. */
    static List<Integer> counts(int most) {
        TreeSet<Integer> counts = new TreeSet<>(List.of(most));
        for (int n = 1; n < most; n *= 2) {
            counts.add(n);
        }
        return List.copyOf(counts);
    }
}
