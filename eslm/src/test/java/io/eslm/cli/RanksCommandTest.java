// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.report.RunLog;
import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranks as processes, started as a user starts them. */
class RanksCommandTest {
    private static final List<String> JVM = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx256m",
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
            Main.class.getName(), "train", "--backend", "scalar", "--threads", "1");

    @TempDir
    private Path temp;

    private File said(String name) {
        return temp.resolve("said-" + name).toFile();
    }

    private Process start(String name, List<String> options, String... more) throws IOException {
        List<String> command = new ArrayList<>(JVM);
        command.addAll(options);
        command.addAll(List.of(more));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said(name)).start();
    }

    private int code(Process process, String name) throws IOException, InterruptedException {
        boolean ended = process.waitFor(2, TimeUnit.MINUTES);
        process.destroyForcibly();
        assertTrue(ended, name + " hangs: " + Files.readString(said(name).toPath()));
        return process.exitValue();
    }

    private void ok(Process process, String name) throws IOException, InterruptedException {
        assertEquals(0, code(process, name), Files.readString(said(name).toPath()));
    }

    /** Two processes, of which one is killed; two new ones go on. The model is that of one process. */
    @Test
    void aKilledRankCostsNothingButTime() throws IOException, InterruptedException {
        Path data = Program.tokens(temp.resolve("data"));
        Path secret = Files.writeString(temp.resolve("secret"), "nobody else knows this\n");
        Path one = temp.resolve("one");
        Path two = temp.resolve("two");
        List<String> options = new ArrayList<>(List.of("--data", data.toString(), "--max-iters", "300", "--grad-accum",
                "2", "--eval-interval", "300", "--sample-interval", "0", "--checkpoint-interval", "100", "--method",
                "ada-cvar-loss:interval=7"));
        options.addAll(Program.TINY);
        String where;
        try (ServerSocket socket = new ServerSocket(0)) {
            where = "127.0.0.1:" + socket.getLocalPort();
        }
        String[] first = {"--world", "2", "--rank", "0", "--rendezvous", where, "--secret-file", secret.toString(),
            "--out-dir", two.toString()};
        String[] second = {"--world", "2", "--rank", "1", "--rendezvous", where, "--secret-file", secret.toString()};

        Process whole = start("one", options, "--world", "1", "--out-dir", one.toString());
        Process zero = start("zero", options, first);
        Process killed = start("killed", options, second);
        while (killed.isAlive() && RunLog.read(two).size() < 80) {
            Thread.sleep(10);
        }
        assertTrue(killed.isAlive(), Files.readString(said("killed").toPath()));
        killed.destroyForcibly().waitFor();
        assertEquals(1, code(zero, "zero"));
        String why = Files.readString(said("zero").toPath());
        assertTrue(why.contains("2 ranks share each step; each needs about"), why);
        assertTrue(why.contains("error: rank 1 (127.0.0.1:") && why.contains(") has ended without a word"), why);

        String[] resume = {"--init-from", "resume", "--world", "2", "--rendezvous", where, "--secret-file",
            secret.toString(), "--rank"};
        Process again = start("again", List.of("--out-dir", two.toString()), append(resume, "0"));
        Process other = start("other", List.of(), append(resume, "1"));
        ok(again, "again");
        ok(other, "other");
        ok(whole, "one");
        String told = Files.readString(said("other").toPath());
        assertTrue(told.contains("rank 1 of 2: trains with rank 0, which has the folder " + two), told);
        assertTrue(told.contains("rank 1 of 2: done after "), told);
        for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json")) {
            Path saved = Path.of("checkpoints/step-000300", file);
            assertEquals(-1, Files.mismatch(one.resolve(saved), two.resolve(saved)), file);
        }
        assertEquals(RunLog.read(one).size(), RunLog.read(two).size());
    }

    private static String[] append(String[] words, String last) {
        List<String> all = new ArrayList<>(List.of(words));
        all.add(last);
        return all.toArray(String[]::new);
    }

    @Test
    void optionsAreNamedByTheirFlags() {
        Program.Outcome outcome = Program.run("train", "--world", "2", "--rank", "1");
        assertEquals(1, outcome.code());
        assertTrue(outcome.err().contains("error: --rendezvous: must be given: HOST:PORT of rank 0"), outcome.err());
    }
}
