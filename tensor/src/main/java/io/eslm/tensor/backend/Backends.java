// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.DidYouMean;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/** Finds backends and opens the one you want. A backend that you name but that cannot start is an error that says why. */
public final class Backends {
    private static final AtomicBoolean SAID_SLOW = new AtomicBoolean();

    private Backends() {
    }

    /**
     * All providers on the module path or class path, usable or not, the most preferred first; among them those that this build
     * lacks, which say how to get them.
     */
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

    /** The one that "auto" means: the most preferred one that can start and is not slow here; empty if none can start. */
    public static Optional<BackendProvider> automatic() {
        List<BackendProvider> usable = all().stream().filter(p -> p.unusableBecause() == null).toList();
        return usable.stream().filter(p -> p.slowBecause() == null).findFirst()
                .or(() -> usable.stream().findFirst());
    }

    /**
     * Opens the backend {@code name}, or with "auto" the one of {@link #automatic}. Says on standard error, once, if "auto" finds
     * nothing but plain loops, or if the named one is slow here.
     *
     * @param threads number of threads for kernels on the CPU; 0 means all cores
     * @throws UserError if there is no such backend, or it cannot start here
     */
    public static Backend open(String name, int threads) {
        if (threads < 0) {
            throw new UserError("threads " + threads + ": must be 0 (all cores) or more");
        }
        List<BackendProvider> all = all();
        if (name.equals("auto")) {
            BackendProvider first = automatic()
                    .orElseThrow(() -> new UserError("no backend can start here: " + reasons(all)));
            if (first instanceof ScalarProvider) {
                // measured: 70 to 170 times, in a training step of 4 blocks of width 128 on one thread of a busy machine
                BackendProvider better = all.getFirst();
                sayOnce("Running on plain Java loops, on one core. " + (better.unusableBecause() == null
                        ? "Backend '" + better.name() + "' would be slower still: " + better.slowBecause()
                        : "Backend '" + better.name() + "', about 100 times as fast, cannot start: "
                                + better.unusableBecause()));
            }
            return first.open(threads);
        }
        BackendProvider wanted = all.stream().filter(p -> p.name().equals(name)).findFirst()
                .orElseThrow(() -> new UserError("backend " + name + ": no such backend. Choose one of auto, "
                        + all.stream().map(BackendProvider::name).collect(Collectors.joining(", "))
                        + DidYouMean.among(all.stream().map(BackendProvider::name).toList(), name)));
        String why = wanted.unusableBecause();
        if (why != null) {
            throw new UserError("backend '" + name + "' cannot start: " + why);
        }
        if (wanted.slowBecause() != null) {
            sayOnce("Backend '" + name + "' is slow here: " + wanted.slowBecause());
        }
        return wanted.open(threads);
    }

    private static void sayOnce(String note) {
        if (SAID_SLOW.compareAndSet(false, true)) {
            System.err.println(note);
        }
    }

    /**
     * Opens the backend {@code name} on all cores, for a program that runs on no other: {@code Backends.require("vector")}.
     *
     * @throws UserError if it cannot start here; the message says what to do, such as the JVM flag to add
     */
    public static Backend require(String name) {
        return open(name, 0);
    }

    private static String reasons(List<BackendProvider> all) {
        return all.stream().map(p -> p.name() + ": " + p.unusableBecause()).collect(Collectors.joining("; "));
    }
}
