// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.sun.management.OperatingSystemMXBean;
import io.eslm.gpt2.data.CacheUse;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One thing that a run needs or profits from.
 *
 * @param name in a word
 * @param found what there is
 * @param advice what to do; empty if all is well
 */
record Diagnosis(String name, State state, String found, String advice) {
    private static final double GIGABYTE = 1e9;
    /** The default model trains in it. */
    private static final double LEAST_HEAP = 0.5;
    private static final double GOOD_HEAP = 2;
    /** A checkpoint of the default model, with its moments, and the prepared text. */
    private static final double LEAST_DISK = 0.5;
    private static final double GOOD_DISK = 5;

    /** How it is. */
    enum State {
        /** All is well. */
        OK,
        /** It works, but could be better. */
        NOTE,
        /** Something that is needed is missing. */
        PROBLEM;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static Diagnosis ok(String name, String found) {
        return new Diagnosis(name, State.OK, found, "");
    }

    private static Diagnosis note(String name, String found, String advice) {
        return new Diagnosis(name, State.NOTE, found, advice);
    }

    private static Diagnosis problem(String name, String found, String advice) {
        return new Diagnosis(name, State.PROBLEM, found, advice);
    }

    /** Everything that is looked at. */
    static List<Diagnosis> all(Map<String, String> environment) {
        List<Diagnosis> all = new ArrayList<>(List.of(java(), vector(), cores(), memory()));
        Backends.all().forEach(provider -> all.add(backend(provider)));
        all.add(data(Path.of(System.getProperty("java.home"))));
        all.add(cache(environment));
        all.add(disk("folder", Path.of("")));
        return all;
    }

    private static Diagnosis java() {
        String found = "Java " + Runtime.version() + ", " + System.getProperty("java.vm.name") + ", in "
                + System.getProperty("java.home");
        return System.getProperty("java.vm.info", "").contains("interpreted")
                ? note("java", found + ", which only interprets",
                        "remove -Xint from the JVM's options: it is many times slower")
                : ok("java", found);
    }

    private static Diagnosis vector() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                ? ok("simd", "the Vector API is there")
                : note("simd", "the JVM runs without the Vector API, so kernels are plain loops",
                        "start with " + EslmCommand.PROGRAM + ", or give the JVM --add-modules jdk.incubator.vector");
    }

    private static Diagnosis cores() {
        int cores = Runtime.getRuntime().availableProcessors();
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        String found = String.format(Locale.ROOT, "%d cores, %s %s", cores, System.getProperty("os.name"),
                System.getProperty("os.arch"));
        return load > cores
                ? note("cores", String.format(Locale.ROOT, "%s; load %.1f", found, load),
                        "other programs use them: training takes longer, and speeds that are measured now mean little")
                : ok("cores", found);
    }

    private static Diagnosis memory() {
        double heap = Runtime.getRuntime().maxMemory() / GIGABYTE;
        String found = String.format(Locale.ROOT, "%.1f GB for Java%s", heap,
                ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean os
                        ? String.format(Locale.ROOT, " of %.1f GB, %.1f GB free", os.getTotalMemorySize() / GIGABYTE,
                                os.getFreeMemorySize() / GIGABYTE)
                        : "");
        return heap < LEAST_HEAP ? problem("memory", found,
                "the default model does not fit. Give more: ESLM_JVM_OPTS=-Xmx2g")
                : heap < GOOD_HEAP
                        ? note("memory", found, "enough for small models. For larger ones: ESLM_JVM_OPTS=-Xmx8g")
                : ok("memory", found);
    }

    private static Diagnosis backend(BackendProvider provider) {
        if (provider.unusableBecause() != null) {
            return note(provider.name(), "cannot run here", provider.unusableBecause());
        }
        try (Backend backend = Backends.open(provider.name(), 0)) {
            String found = backend.description() + "; peak " + backend.measurePeak();
            return provider.slowBecause() == null ? ok(provider.name(), found)
                    : note(provider.name(), found, "slow: " + provider.slowBecause());
        } catch (UserError e) {
            return note(provider.name(), "cannot run here", e.getMessage());
        }
    }

    private static Diagnosis data(Path home) {
        Path sources = home.resolve("lib/src.zip");
        return Files.isReadable(sources) ? ok("data", "the JDK's own text, the default data, is in " + sources)
                : note("data", home + " has no lib/src.zip, so the default data is small",
                        "install the JDK's sources (Debian: apt install openjdk-25-source), or train with --data");
    }

    private static Diagnosis cache(Map<String, String> environment) {
        try {
            CacheUse use = CacheUse.of(environment);
            String found = String.format(Locale.ROOT, "%s: %.1f GB of at most %.1f GB", use.folder(),
                    use.bytes() / GIGABYTE, use.limit() / GIGABYTE);
            Path there = existing(use.folder());
            return !Files.isWritable(there)
                    ? note("cache", found + "; cannot write to " + there,
                            "text is prepared again for each run. Set XDG_CACHE_HOME to a folder that you can write to")
                    : use.bytes() > use.limit()
                            ? note("cache", found,
                                    "the longest unused goes when something is added; ESLM_CACHE_GB is the limit")
                    : ok("cache", found);
        } catch (UserError e) {
            return problem("cache", "cannot be used", e.getMessage());
        }
    }

    private static Diagnosis disk(String name, Path folder) {
        Path there = folder.toAbsolutePath();
        try {
            double free = Files.getFileStore(there).getUsableSpace() / GIGABYTE;
            String found = String.format(Locale.ROOT, "%s: %.1f GB free for runs", there, free);
            return !Files.isWritable(there) ? problem(name, found + ", but you cannot write there",
                    "start eslm in another folder, or name one with --out-dir")
                    : free < LEAST_DISK ? problem(name, found, "free some space, or start eslm in another folder")
                    : free < GOOD_DISK
                            ? note(name, found, "enough for small models; a checkpoint takes 12 bytes a parameter")
                    : ok(name, found);
        } catch (IOException e) {
            return problem(name, there + ": " + FileErrors.reason(e), "start eslm in another folder");
        }
    }

    /** The nearest folder above that is there. */
    private static Path existing(Path folder) {
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        return there;
    }
}
