// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.Main;
import java.io.IOException;
import java.io.Writer;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/** One run of a comparison, as a task. Returns its name if it diverged, else "". */
final class CompareTask implements Function<Integer, String> {
    private static final long serialVersionUID = 1;
    private final String[] words;
    private final SharedFolder shared;

    /**
     * @param words of the command, with files named from the root
     * @param shared where the folder of the comparison is
     */
    CompareTask(List<String> words, SharedFolder shared) {
        this.words = words.toArray(String[]::new);
        this.shared = shared;
    }

    @Override
    public String call(Integer index) throws IOException {
        shared.fault().ifPresent(Job::fail);
        ComparedRunCommand command = new ComparedRunCommand(index, TaskContext.get().attemptNumber() > 0);
        try (Writer out = Job.results(); Writer err = Job.notes()) {
            Main.run(out, err, false, List.of(command), words);
        }
        if (command.failure() != null) {
            Job.fail(command.failure());
        }
        return command.diverged().orElse("");
    }
}
