// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.DeclaredOptions;
import io.eslm.cli.Main;
import io.eslm.gpt2.option.Option;
import io.eslm.report.RunLog;
import io.eslm.tensor.Rng;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.OptionConverters;

/** Clusters of executors that are processes of this machine, the program on them, and small inputs. */
final class Clusters {
    static final int EXECUTORS = 3;
    private static final int MB = 512;
    private static final String MASTER = DeclaredOptions.flag(Cluster.MASTER) + "=";
    private static Cluster shared;

    private Clusters() {
    }

    /** The word that asks for the cluster that tests share. */
    static String master() {
        return MASTER + "local-cluster[" + EXECUTORS + ",1," + MB + "]";
    }

    /** The word that asks for threads of this process. */
    static String local(int threads) {
        return MASTER + "local[" + threads + "]";
    }

    /**
     * Executors that tests share, because starting one takes seconds; started on first use. Their settings are those of a training, which
     * has all that other commands ask for and tries less often.
     */
    static Cluster shared() {
        return shared(master());
    }

    /** The Spark that tests share, if it is that of {@code word}, or else a new one. */
    private static Cluster shared(String word) {
        String master = word.substring(MASTER.length());
        if (shared == null || !shared.session().sparkContext().master().equals(master)) {
            stopShared();
            // Executors that live for a minute: quick to start, and no vectors, which need the second compiler.
            System.setProperty("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
            System.setProperty("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s");
            shared = Cluster.open(RankJob.settle(Cluster.settings("test", Optional.of(master), true)));
            if (word.equals(master())) {
                awaitExecutors();
            }
        }
        return shared;
    }

    /** Waits until all executors are there, those too that replace killed ones. */
    static void awaitExecutors() {
        // Spark counts the driver, too.
        await(() -> shared.session().sparkContext().statusTracker().getExecutorInfos().length > EXECUTORS
                && executors().size() == EXECUTORS);
    }

    private static void stopShared() {
        if (shared != null) {
            shared.close();
            shared = null;
        }
    }

    /** How the program ended. */
    record Outcome(int code, String out, String err) {
        Outcome ok() {
            assertEquals(0, code, err);
            return this;
        }
    }

    /**
     * The program on Spark, if a word of {@link #master} or {@link #local} is there, and else by itself. What sends a model to threads of
     * this process has a Spark of its own, which takes a model once.
     */
    static Outcome run(List<String> words) {
        words.stream().filter(word -> word.startsWith(MASTER)).findFirst().ifPresent(word -> {
            if (word.equals(master()) || words.getFirst().equals("prepare")) {
                shared(word);
            } else {
                stopShared();
            }
        });
        return start(words);
    }

    /** Like {@link #run}, where nothing should come to need executors. */
    static Outcome start(List<String> words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] args = words.toArray(String[]::new);
        int code = isOnSpark(words) ? Main.run(out, err, false, SparkMain.commands(), args)
                : Main.run(out, err, false, args);
        return new Outcome(code, out.toString(), err.toString());
    }

    private static boolean isOnSpark(List<String> words) {
        return words.stream().anyMatch(word -> word.startsWith(MASTER));
    }

    static String word(Option<?> option, Object value) {
        return DeclaredOptions.flag(option) + "=" + value;
    }

    /** Why Spark has let executors go. */
    static String removals() {
        return CollectionConverters.asJava(shared.session().sparkContext().statusStore().executorList(false)).stream()
                .flatMap(executor -> OptionConverters.toJava(executor.removeReason()).stream())
                .collect(Collectors.joining("; "));
    }

    /** The processes of the executors: this one starts no other Java. */
    static List<ProcessHandle> executors() {
        return ProcessHandle.current().children()
                .filter(process -> process.info().command().orElse("").endsWith("java")).toList();
    }

    /** Kills an executor with signal 9 as soon as {@code log} has {@code lines} lines. */
    static Thread killer(Path log, long seed, int lines) {
        return Thread.ofPlatform().daemon().start(() -> {
            await(() -> lines(log) >= lines);
            List<ProcessHandle> there = executors();
            assertTrue(there.get(Rng.of(seed).nextInt(there.size())).destroyForcibly());
        });
    }

    /** Stops rank 0 of a run, as Ctrl-Z does, as soon as its log has {@code lines} lines. */
    static CompletableFuture<ProcessHandle> stopper(Path run, int lines) throws IOException {
        Process shell = new ProcessBuilder("sh", "-c", "read pid; kill -STOP $pid").start();
        return CompletableFuture.supplyAsync(() -> {
            await(() -> lines(run.resolve(RunLog.METRICS)) >= lines);
            try (Writer pid = shell.outputWriter()) {
                long rank0 = Json.read(run.resolve(".holder.json")).required("pid", Long.class);
                pid.write(rank0 + "\n");
                pid.flush();
                assertEquals(0, shell.waitFor());
                return ProcessHandle.of(rank0).orElseThrow();
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }, task -> Thread.ofPlatform().daemon().start(task));
    }

    static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static long lines(Path log) {
        try (Stream<String> all = Files.lines(log)) {
            return all.count();
        } catch (IOException _) {
            return 0;
        }
    }

    /** A prepared folder of tokens below 64 that can be learnt. */
    static Path tokens(Path dir) throws IOException {
        Files.createDirectories(dir);
        Files.write(dir.resolve("train.bin"), chain(4000, 1));
        Files.write(dir.resolve("val.bin"), chain(500, 2));
        return dir;
    }

    private static byte[] chain(int n, long seed) {
        Rng rng = Rng.of(seed);
        ByteBuffer ids = ByteBuffer.allocate(2 * n).order(ByteOrder.LITTLE_ENDIAN);
        int id = 0;
        for (int i = 0; i < n; i++) {
            ids.putShort((short) id);
            id = rng.nextInt(4) == 0 ? rng.nextInt(64) : (id * 5 + 1) % 64;
        }
        return ids.array();
    }

    /** All lines of a run's log without what a clock measured. */
    static String numbers(Path run) {
        return RunLog.read(run).stream().map(line -> {
            List.of("ms", "tokens_per_s", "mfu").forEach(line::remove);
            return line.toString();
        }).collect(Collectors.joining("\n"));
    }

    /** {@code words} and {@code more}. */
    static List<String> with(List<String> words, String... more) {
        List<String> all = new ArrayList<>(words);
        all.addAll(List.of(more));
        return all;
    }
}
