// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.spark.Job;
import io.eslm.spark.SharedFolder;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/** How tasks fail: what the user has to mend ends the job with its sentence, and nothing is tried again. */
final class Tasks {
    private static final String DRIVER = "driver";

    private Tasks() {
    }

    /** Work on a part. */
    @FunctionalInterface
    interface Work<T> {
        T run() throws IOException;
    }

    /**
     * Does the work of a task. A file system that fails is given a second chance.
     *
     * @param what is read or written, for messages
     */
    static <T> T run(String what, Work<T> work) {
        try {
            return work.run();
        } catch (UserError e) {
            Job.fail(e.getMessage());
            throw e;
        } catch (UncheckedIOException e) {
            return run(what, () -> {
                throw e.getCause();
            });
        } catch (FileNotFoundException | NoSuchFileException e) {
            UserError unseen =
                    new UserError(what + ": " + SharedFolder.host()
                            + " does not see it as the driver does. Name a path that all "
                            + "hosts see: hdfs://…, s3a://…, or a mounted folder", e);
            Job.fail(unseen.getMessage());
            throw unseen;
        } catch (IOException e) {
            if (TaskContext.get().attemptNumber() > 0 || SparkEnv.get().executorId().equals(DRIVER)) {
                Job.fail(what + ": " + FileErrors.reason(e));
            }
            throw new IllegalStateException(what + ": " + FileErrors.reason(e), e);
        }
    }
}
