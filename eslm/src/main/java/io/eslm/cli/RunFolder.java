// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.report.Disk;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Where a run goes. */
final class RunFolder {
    private RunFolder() {
    }

    /** The folder of a new run: what was asked for, else a new one named after data and method. */
    static Path fresh(Path asked, String data, MethodSpec method) {
        if (asked != null) {
            if (holdsRun(asked)) {
                throw new UserError(
                        "--out-dir " + asked + ": holds a run already; choose another folder, or continue that run "
                                + "with --init-from resume");
            }
            checkWritable(asked);
            return asked;
        }
        String name = source(data) + "-" + method.label();
        Path dir = Path.of(TrainDefaults.RUNS, name);
        for (int n = 2; Files.exists(dir); n++) {
            dir = Path.of(TrainDefaults.RUNS, name + "-" + n);
        }
        checkWritable(dir);
        return dir;
    }

    /** Where a comparison goes if nothing is said. */
    static Path ofComparison(String data, String split) {
        return Path.of(TrainDefaults.RUNS, "compare-" + source(data) + "-" + split);
    }

    private static String source(String data) {
        return Objects.toString(Path.of(data).toAbsolutePath().normalize().getFileName(), "data")
                .replaceFirst("\\.[a-z]+$", "");
    }

    /** The folder of a run to continue. */
    static Path existing(Path asked) {
        if (asked == null) {
            throw new UserError("--init-from resume: say which run with --out-dir" + runs());
        }
        if (!Files.isDirectory(asked)) {
            throw new UserError("--out-dir " + asked + ": no such folder, so there is no run to resume" + runs());
        }
        if (!Files.exists(asked.resolve(RunLog.CONFIG))) {
            throw new UserError("--out-dir " + asked + ": holds no run (no " + RunLog.CONFIG + ")" + runs());
        }
        checkWritable(asked);
        return asked;
    }

    private static boolean holdsRun(Path dir) {
        return Files.exists(dir.resolve(RunLog.CONFIG)) || Files.exists(dir.resolve(RunLog.METRICS))
                || Checkpoints.isRun(dir);
    }

    /** Found out now rather than after minutes of work. */
    static void checkWritable(Path dir) {
        Path there = dir.toAbsolutePath();
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        if (!Files.isDirectory(there)) {
            throw new UserError("--out-dir " + dir + ": " + there + " is a file, not a folder");
        }
        if (!Files.isWritable(there)) {
            throw new UserError("--out-dir " + dir + ": permission denied: nothing can be written in " + there
                    + "; choose another folder");
        }
    }

    private static String runs() {
        Path runs = Path.of(TrainDefaults.RUNS);
        if (!Files.isDirectory(runs)) {
            return "";
        }
        try (Stream<Path> all = Files.list(runs)) {
            return all.filter(RunFolder::holdsRun).map(Path::toString).sorted()
                    .collect(Collectors.joining(", ", "; there are ", ""));
        } catch (IOException e) {
            throw Disk.failed("read", runs, e);
        }
    }
}
