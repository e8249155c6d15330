// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.DeclaredOptions;
import io.eslm.cli.Terminal;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.run.FolderLock;
import io.eslm.run.Run;
import io.eslm.run.RankOptions;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.status.api.v1.ExecutorSummary;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * A training on the driver: a barrier stage whose tasks are the ranks. If a rank is lost, the stage is started again and goes on from
 * the newest checkpoint; a rank that fails by itself ends the job.
 */
final class RankJob {
    /** In Spark's messages. */
    private static final String NO_ROOM = "SPARK-24819";
    private static final String CANCELLED = "SPARK_JOB_CANCELLED";
    static final String ATTEMPTS = "spark.stage.maxConsecutiveAttempts";
    private static final int SECRET_BYTES = 32;
    /** How long tasks of a stage that failed may take to end; of those that live, each does in a few seconds. */
    private static final Duration ENDING = Duration.ofSeconds(10);
    /** How long it may take to replace an executor, once Spark itself has found that it is lost. */
    private static final Duration REPLACING = Duration.ofMinutes(2);
    private static final long TICK_MS = 200;

    private final Cluster cluster;
    private final Terminal screen;
    private final Path folder;
    private final int world;
    private final Duration timeout;
    private final Duration silence;
    private final int most;

    /**
     * @param folder of the run
     * @param world number of ranks
     * @param most how often in a row a stage may fail without a new checkpoint
     */
    RankJob(Cluster cluster, Terminal screen, Path folder, int world, Duration timeout, Duration silence, int most) {
        this.cluster = cluster;
        this.screen = screen;
        this.folder = folder;
        this.world = world;
        this.timeout = timeout;
        this.silence = silence;
        this.most = most;
    }

    /** Sets what Spark must do for ranks: starting them again is ours, as Spark counts attempts that made progress, too. */
    static SparkConf settle(SparkConf settings) {
        return settings.set(ATTEMPTS, "1")
                .setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "3s")
                .setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "200")
                .setIfMissing("spark.task.reaper.enabled", "true")
                .setIfMissing("spark.task.reaper.killTimeout", "120s");
    }

    /** Trains; returns the exit code of rank 0. @param words of the command, for each rank */
    int run(List<String> words) {
        try (SharedFolder shared = SharedFolder.mark(Run.OUT_DIR, folder)) {
            Optional<Path> saved = Optional.empty();
            List<String> now = words;
            int failed = 0;
            while (true) {
                RankTask task = new RankTask(now, secret(), timeout, silence, shared);
                try {
                    return new Job(cluster, screen).attempt("train " + folder, context -> stage(context, task));
                } catch (Job.SparkFailure e) {
                    Optional<Path> newest = new Checkpoints(folder).find(false).newest();
                    failed = newest.equals(saved) ? failed + 1 : 1;
                    saved = newest;
                    check(e, failed);
                    screen.note("a rank is lost: " + reason(e) + ". The training goes on from "
                            + newest.map(dir -> dir.getFileName().toString()).orElse("its beginning"));
                }
                awaitEnd();
                now = new ArrayList<>(words);
                FolderLock.host(folder).map(host -> DeclaredOptions.flag(Run.TAKE_OVER) + "=" + host)
                        .ifPresent(now::add);
            }
        }
    }

    private void check(Job.SparkFailure e, int failed) {
        String message = e.getMessage();
        if (message.contains(NO_ROOM)) {
            throw new UserError(
                    "Spark has no room for " + world + " ranks at the same time. Give it more executors, or "
                            + "take fewer ranks (" + RankOptions.WORLD + ")",
                    e);
        }
        if (message.contains(CANCELLED) || cluster.session().sparkContext().isStopped()) {
            throw new UserError("Spark ended the job: " + message + ". The same command goes on", e);
        }
        if (failed >= most) {
            throw new UserError(reason(e) + ". This was failure " + failed
                    + " without a new checkpoint in between; the same command goes on", e);
        }
    }

    private static String reason(Job.SparkFailure e) {
        return e.lost() != null ? e.lost() : e.getMessage();
    }

    private static byte[] secret() {
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        return secret;
    }

    /** Runs all ranks once. */
    private int stage(JavaSparkContext context, RankTask task) {
        ClassTag<Integer> integers = ClassTag$.MODULE$.apply(Integer.class);
        RDD<Integer> ranks = context.parallelize(Collections.nCopies(world, 0), world).rdd().barrier()
                .mapPartitions(task, false, integers);
        return JavaRDD.fromRDD(ranks, integers).collect().getFirst();
    }

    /**
     * Waits until no task of a stage that failed runs any more, so that two never have the folder. An executor whose task does not end
     * is stopped or cut off, and would keep its place until Spark misses its heartbeat: another one is asked for at once.
     */
    private void awaitEnd() {
        SparkContext context = cluster.session().sparkContext();
        long begin = System.nanoTime();
        long end = begin + ENDING.toNanos();
        long deadline = begin + REPLACING.toNanos()
                + TimeUnit.SECONDS.toNanos(context.getConf().getTimeAsSeconds("spark.network.timeout", "120s"));
        Set<String> replaced = new HashSet<>();
        for (List<ExecutorSummary> busy = busy(context); !busy.isEmpty() && System.nanoTime() < deadline; busy =
                busy(context)) {
            if (System.nanoTime() > end) {
                busy.stream().filter(executor -> replaced.add(executor.id())).forEach(executor -> {
                    screen.note("executor " + executor.id() + " (" + executor.hostPort()
                            + ") does not end its task: Spark is asked for another one");
                    context.killAndReplaceExecutor(executor.id()); // as Spark does when it misses a heartbeat
                });
            }
            try {
                TimeUnit.MILLISECONDS.sleep(TICK_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new UserError("interrupted", e);
            }
        }
    }

    private static List<ExecutorSummary> busy(SparkContext context) {
        return CollectionConverters.asJava(context.statusStore().executorList(true)).stream()
                .filter(executor -> executor.activeTasks() > 0).toList();
    }
}
