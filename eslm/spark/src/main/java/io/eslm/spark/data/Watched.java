// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.Progress;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.JobExecutionStatus;
import org.apache.spark.SparkJobInfo;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.JavaSparkStatusTracker;

/** Waits for long work of many tasks, and shows how many are done. */
final class Watched {
    private Watched() {
    }

    /**
     * The results of all tasks, in their order.
     *
     * @param context of {@code tasks}, each of which does one part of the work
     */
    static <T> List<T> collect(JavaSparkContext context, JavaRDD<T> tasks, String doing, Progress progress) {
        JavaFutureAction<List<T>> work = tasks.collectAsync();
        long total = tasks.getNumPartitions();
        try {
            while (true) {
                try {
                    List<T> results = work.get(1, TimeUnit.SECONDS);
                    progress.report(total, total, doing);
                    return results;
                } catch (TimeoutException _) {
                    progress.report(done(context.statusTracker(), work.jobIds()), total, doing);
                }
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause().getMessage(), e);
        } catch (InterruptedException e) {
            work.cancel(true);
            Thread.currentThread().interrupt();
            throw new IllegalStateException("the job was interrupted", e);
        }
    }

    private static long done(JavaSparkStatusTracker tracker, List<Integer> jobs) {
        long done = 0;
        for (int job : jobs) {
            SparkJobInfo info = tracker.getJobInfo(job);
            if (info == null || info.status() == JobExecutionStatus.UNKNOWN) {
                continue;
            }
            for (int stage : info.stageIds()) {
                SparkStageInfo tasks = tracker.getStageInfo(stage);
                done += tasks == null ? 0 : tasks.numCompletedTasks();
            }
        }
        return done;
    }
}
