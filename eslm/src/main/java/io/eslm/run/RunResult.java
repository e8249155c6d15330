// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a run reached.
 *
 * @param folder of the run, with its newest checkpoint, log and report
 * @param step optimizer steps of the whole run
 * @param trained optimizer steps of this start
 * @param finished true if {@code step} is the last one
 * @param lastStep of this start; empty if there was none
 * @param lastEvaluation of this start; empty if there was none
 * @param flops of the steps of this start
 * @param seconds of this start, evaluations included
 */
public record RunResult(Path folder, long step, long trained, boolean finished, Optional<TrainEvent.Step> lastStep,
        Optional<TrainEvent.Evaluated> lastEvaluation, Flops flops, double seconds) {
}
