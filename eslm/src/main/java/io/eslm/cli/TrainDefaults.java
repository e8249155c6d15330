// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

/**
 * What {@code eslm train} does when nothing is said: the demonstration, meant to end within five minutes on two cores. Texts,
 * because they stand in annotations.
 */
final class TrainDefaults {
    static final String DATA = "jdk";
    static final String MODEL = "demo";
    static final String METHOD = "cvar-loss";

    static final String MAX_ITERS = "600";
    static final String BATCH_SIZE = "16";
    static final String GRAD_ACCUM = "1";
    static final String LEARNING_RATE = "3e-3";
    static final String WEIGHT_DECAY = "0.1";
    static final String BETA1 = "0.9";
    static final String BETA2 = "0.95";
    static final String GRAD_CLIP = "1";
    static final String EVAL_INTERVAL = "150";
    static final String EVAL_ITERS = "16";
    static final String SAMPLE_INTERVAL = "300";
    static final String CHECKPOINT_INTERVAL = "150";
    static final String SEED = "1337";

    static final String LOG_INTERVAL = "10";
    static final String SAMPLE_PROMPT = "Returns the";
    static final String RUNS = "runs";

    /** The rate at the end, as a share of the highest one. */
    static final double MIN_LR_SHARE = 0.1;
    /** Steps of warm-up, as a share of all. */
    static final double WARMUP_SHARE = 0.05;

    private TrainDefaults() {
    }
}
