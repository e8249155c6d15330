// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.option.OptionError;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds and checks the folders of runs. Messages name {@link Run#OUT_DIR}. */
public final class RunFolder {
    /** The folder of runs whose folder was not given. */
    public static final String RUNS = "runs";

    private RunFolder() {
    }

    /** A folder in {@value #RUNS} that does not exist yet, named after data and method. */
    static Path unused(String data, MethodSpec method) {
        String name = named(data) + "-" + method.label();
        Path dir = Path.of(RUNS, name);
        for (int n = 2; Files.exists(dir); n++) {
            dir = Path.of(RUNS, name + "-" + n);
        }
        return dir;
    }

    /** A short name for data: the last part of its path, without its ending. */
    public static String named(String data) {
        return Objects.toString(Path.of(data).toAbsolutePath().normalize().getFileName(), "data")
                .replaceFirst("\\.[a-z]+$", "");
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
            throw new OptionError(Run.OUT_DIR, dir, "holds no run (no " + RunLog.CONFIG + ")" + runs());
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
