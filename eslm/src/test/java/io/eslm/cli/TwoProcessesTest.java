// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.report.RunLog;
import io.eslm.run.FolderLock;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes and one folder, and processes that are killed. */
class TwoProcessesTest {
    /** A JVM with the class path of the tests. */
    private static final List<String> JVM = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx512m",
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"));

    @TempDir
    private Path temp;

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(JVM);
        command.addAll(List.of(arguments));
        File said = temp.resolve("said").toFile();
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said).start();
    }

    /** The second is told who the first is; one that knows that the first is being killed waits for that, and goes on. */
    @Test
    void aFolderHasOneProcess() throws IOException, InterruptedException {
        Path data = Program.tokens(temp.resolve("data"));
        Path dir = temp.resolve("run");
        List<String> train =
                new ArrayList<>(List.of(Main.class.getName(), "train", "--data", data.toString(), "--out-dir",
                        dir.toString(), "--max-iters", "1000000", "--warmup-iters", "0", "--eval-interval", "0",
                        "--checkpoint-interval", "0", "--backend", "scalar"));
        train.addAll(Program.TINY);
        Process first = start(train.toArray(String[]::new));
        try {
            while (first.isAlive() && RunLog.read(dir).isEmpty()) {
                Thread.sleep(10);
            }
            assertTrue(first.isAlive(), Files.readString(temp.resolve("said")));
            for (Program.Outcome second : List.of(
                    Program.run("train", "--init-from", "resume", "--out-dir", dir.toString()),
                    Program.run("compare", "--methods", "random", "--data", data.toString(), "--out-dir",
                            dir.toString()))) {
                assertEquals(1, second.code());
                assertTrue(second.err().contains("error: --out-dir " + dir + ": process " + first.pid() + " on "),
                        second.err());
                assertTrue(second.err().contains(" uses it since 20"), second.err());
                assertTrue(second.err().contains("(eslm train --data " + data), second.err());
            }
            Thread.ofPlatform().daemon().start(() -> {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500)); // by then the next one has met the lock
                first.destroyForcibly();
            });
            Program.run("train", "--init-from", "resume", "--out-dir", dir.toString(), "--max-iters", "3",
                    "--take-over", FolderLock.host(dir).orElseThrow()).ok();
            assertEquals(3, RunLog.read(dir).size());
        } finally {
            first.destroyForcibly().waitFor();
        }
    }

    /** The campaign of {@code tools/reliability/kill}, in short: no run is lost, and all end with the same bits. */
    @Test
    void killedRunsEndWithTheSameBits() throws IOException, InterruptedException {
        Path tools = Path.of("..", "tools", "reliability", "Kill.java").toAbsolutePath().normalize();
        Process campaign = start(tools.toString(), "6", "1");
        boolean ended = campaign.waitFor(9, TimeUnit.MINUTES);
        campaign.destroyForcibly();
        String said = Files.readString(temp.resolve("said"));
        assertTrue(ended && campaign.exitValue() == 0, said);
        assertTrue(said.contains("0 runs lost, 0 with other bits"), said);
    }
}
