// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import io.eslm.gpt2.train.TrainEvent;
import io.eslm.task.TaskFigures;
import java.nio.file.Path;

/** Tells a listener how a comparison proceeds. */
public sealed interface CompareEvent {
    /**
     * The comparison starts.
     *
     * @param runs number of runs, of which {@code finished} are done already
     * @param parameters of the model
     * @param device description of the backend
     */
    record Started(Path folder, int runs, int finished, long parameters, String device) implements CompareEvent {
    }

    /** A method warms up: it trains a model that is thrown away, so that no run pays for compiling code. */
    record WarmingUp(ComparisonEntry method) implements CompareEvent {
    }

    /** A run made progress. */
    record Trained(String run, int maxIters, TrainEvent event) implements CompareEvent {
    }

    /** A run is finished. */
    record Finished(String run, ComparedRun result) implements CompareEvent {
    }

    /** A finished run was evaluated on tasks. */
    record Tested(String run, TaskFigures figures) implements CompareEvent {
    }

    /** A run, or a warm-up, diverged; it has no figures. */
    record Diverged(String run, String reason) implements CompareEvent {
    }
}
