// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.option.OptionError;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds and checks the folders of runs. Messages name {@link Run#OUT_DIR}. */
public final class RunFolder {
    /** The folder of runs whose folder was not given. */
    public static final String RUNS = "runs";

    private RunFolder() {
    }

    /** Where the folder of a run would be that names none: in {@value #RUNS}, named after data and method. */
    static Path usual(String data, MethodSpec method) {
        return Path.of(RUNS, named(data) + "-" + method.label());
    }

    /**
     * Makes or takes the first of {@code dir}, {@code dir-2}, {@code dir-3} … that holds nothing and that no other process has;
     * two processes never get the same.
     */
    static FolderLock claim(Path dir, Consumer<String> notes) {
        Path candidate = dir;
        for (int n = 2;; n++) {
            if (!Files.exists(candidate) || FolderLock.isUnused(candidate)) {
                Optional<FolderLock> lock = tryLock(candidate, notes);
                if (lock.isPresent()) {
                    return lock.get();
                }
            }
            candidate = dir.resolveSibling(dir.getFileName() + "-" + n);
        }
    }

    private static Optional<FolderLock> tryLock(Path dir, Consumer<String> notes) {
        FolderLock lock;
        try {
            lock = FolderLock.take(dir, Optional.empty(), notes);
        } catch (OptionError _) {
            return Optional.empty(); // another process was faster
        }
        if (FolderLock.isUnused(dir)) {
            return Optional.of(lock);
        }
        lock.close();
        return Optional.empty();
    }

    /**
     * Makes or takes {@code dir} for a new run.
     *
     * @throws OptionError if it holds a run, or another process has it
     */
    static FolderLock claimNamed(Path dir, Optional<String> takeOver, Consumer<String> notes) {
        checkNew(dir);
        FolderLock lock = FolderLock.take(dir, takeOver, notes);
        try {
            checkNew(dir);
            return lock;
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** A short name for data: the names of its sources, or the last part of its path, without its ending. */
    public static String named(String data) {
        return DataSpec.parse(data).label().replaceAll("[^\\p{L}\\p{N}+._-]", "_");
    }

    /** @throws OptionError if {@code dir} holds a run */
    static void checkNew(Path dir) {
        if (isRun(dir)) {
            throw new OptionError(Run.OUT_DIR, dir, "holds a run already. Choose another folder, or resume that run");
        }
    }

    /** @throws OptionError unless {@code dir} holds a run */
    static void checkExisting(Path dir) {
        if (!Files.isDirectory(dir)) {
            throw new OptionError(Run.OUT_DIR, dir, "no such folder, so there is no run to resume" + runs());
        }
        if (!Files.exists(dir.resolve(RunLog.CONFIG))) {
            throw new OptionError(Run.OUT_DIR, dir, "holds no run (no " + RunLog.CONFIG + ")"
                    + (FolderLock.isUnused(dir) ? ": start it anew, in the same folder" : runs()));
        }
    }

    private static boolean isRun(Path dir) {
        return Files.exists(dir.resolve(RunLog.CONFIG)) || Files.exists(dir.resolve(RunLog.METRICS))
                || Checkpoints.isRun(dir);
    }

    /**
     * Finds out early that nothing can be written.
     *
     * @throws OptionError if so
     */
    public static void checkWritable(Path dir) {
        Path there = dir.toAbsolutePath();
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        if (!Files.isDirectory(there)) {
            throw new OptionError(Run.OUT_DIR, dir, there + " is a file, not a folder");
        }
        if (!Files.isWritable(there)) {
            throw new OptionError(Run.OUT_DIR, dir, "permission denied: cannot write in " + there
                    + ". Choose another folder");
        }
    }

    /** The runs in {@value #RUNS}, as an addition to a message. */
    public static String runs() {
        Path runs = Path.of(RUNS);
        if (!Files.isDirectory(runs)) {
            return "";
        }
        try (Stream<Path> all = Files.list(runs)) {
            return all.filter(RunFolder::isRun).map(Path::toString).sorted()
                    .collect(Collectors.joining(", ", "; there are ", ""));
        } catch (IOException e) {
            throw FileErrors.failed("read", runs, e);
        }
    }
}
