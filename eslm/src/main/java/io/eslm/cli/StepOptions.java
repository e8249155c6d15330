// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.train.TrainOptions;
import picocli.CommandLine.Option;

/** How to train; what is not given comes from the run that is resumed, or from {@link TrainDefaults}. */
final class StepOptions {
    @Option(names = {"--max-iters", "--max_iters"}, paramLabel = "N",
            description = "optimizer steps (default: " + TrainDefaults.MAX_ITERS + ")")
    private Integer maxIters;
    @Option(names = {"--batch-size", "--batch_size"}, paramLabel = "N",
            description = "windows in a micro-batch (default: "
                    + TrainDefaults.BATCH_SIZE + ")")
    private Integer batchSize;
    @Option(names = {"--grad-accum", "--grad_accum"}, paramLabel = "N",
            description = "micro-batches in a step; each has its own value-at-risk "
                    + "(default: " + TrainDefaults.GRAD_ACCUM + ")")
    private Integer gradAccum;
    @Option(names = {"--learning-rate", "--learning_rate"}, paramLabel = "R", description = "after warm-up (default: "
            + TrainDefaults.LEARNING_RATE + ")")
    private Double learningRate;
    @Option(names = {"--min-lr", "--min_lr"}, paramLabel = "R",
            description = "at the end of the cosine (default: a tenth of --learning-rate)")
    private Double minLr;
    @Option(names = {"--warmup-iters", "--warmup_iters"}, paramLabel = "N",
            description = "steps of linear warm-up (default: 5 %% of --max-iters)")
    private Integer warmupIters;
    @Option(names = {"--weight-decay", "--weight_decay"}, paramLabel = "W", description = "on matrices alone (default: "
            + TrainDefaults.WEIGHT_DECAY + ")")
    private Double weightDecay;
    @Option(names = "--beta1", paramLabel = "B", description = "AdamW (default: " + TrainDefaults.BETA1 + ")")
    private Double beta1;
    @Option(names = "--beta2", paramLabel = "B", description = "AdamW (default: " + TrainDefaults.BETA2 + ")")
    private Double beta2;
    @Option(names = {"--grad-clip", "--grad_clip"}, paramLabel = "G",
            description = "largest gradient norm; 0: off (default: "
                    + TrainDefaults.GRAD_CLIP + ")")
    private Double gradClip;
    @Option(names = {"--eval-interval", "--eval_interval"}, paramLabel = "N",
            description = "steps between evaluations; 0: off (default: "
                    + TrainDefaults.EVAL_INTERVAL + ")")
    private Integer evalInterval;
    @Option(names = {"--eval-iters", "--eval_iters"}, paramLabel = "N",
            description = "batches in an evaluation (default: "
                    + TrainDefaults.EVAL_ITERS + ")")
    private Integer evalIters;
    @Option(names = {"--sample-interval", "--sample_interval"}, paramLabel = "N",
            description = "steps between sample texts; 0: off (default: "
                    + TrainDefaults.SAMPLE_INTERVAL + ")")
    private Integer sampleInterval;
    @Option(names = {"--checkpoint-interval", "--checkpoint_interval"}, paramLabel = "N",
            description = "steps between checkpoints; 0: at the end alone "
                    + "(default: " + TrainDefaults.CHECKPOINT_INTERVAL + ")")
    private Integer checkpointInterval;
    @Option(names = "--seed", paramLabel = "S",
            description = "of weights, data order, dropout, random selection and samples "
                    + "(default: " + TrainDefaults.SEED + ")")
    private Long seed;

    /** For a new run. */
    TrainOptions fresh() {
        return fresh(null);
    }

    /** For a new run of so many steps; null for those that were given. */
    TrainOptions fresh(Integer ownIters) {
        int steps = or(ownIters, or(maxIters, Integer.valueOf(TrainDefaults.MAX_ITERS)));
        double rate = or(learningRate, Double.valueOf(TrainDefaults.LEARNING_RATE));
        TrainOptions base = new TrainOptions(Math.max(1, steps), Integer.parseInt(TrainDefaults.BATCH_SIZE),
                Integer.parseInt(TrainDefaults.GRAD_ACCUM), Double.parseDouble(TrainDefaults.LEARNING_RATE),
                0, 0, Double.parseDouble(TrainDefaults.WEIGHT_DECAY), Double.parseDouble(TrainDefaults.BETA1),
                Double.parseDouble(TrainDefaults.BETA2), Double.parseDouble(TrainDefaults.GRAD_CLIP),
                Integer.parseInt(TrainDefaults.EVAL_INTERVAL), Integer.parseInt(TrainDefaults.EVAL_ITERS),
                Integer.parseInt(TrainDefaults.SAMPLE_INTERVAL), Integer.parseInt(TrainDefaults.CHECKPOINT_INTERVAL),
                Long.parseLong(TrainDefaults.SEED));
        return with(base, steps, rate * TrainDefaults.MIN_LR_SHARE,
                (int) Math.round(steps * TrainDefaults.WARMUP_SHARE));
    }

    /** For a run that goes on. */
    TrainOptions resumed(TrainOptions saved) {
        double minLr = learningRate == null ? saved.minLr() : Math.min(saved.minLr(), learningRate);
        return with(saved, or(maxIters, saved.maxIters()), minLr, saved.warmupIters());
    }

    private TrainOptions with(TrainOptions base, int steps, double baseMinLr, int baseWarmup) {
        return new TrainOptions(steps, or(batchSize, base.batchSize()),
                or(gradAccum, base.gradAccum()), or(learningRate, base.learningRate()), or(minLr, baseMinLr),
                or(warmupIters, baseWarmup), or(weightDecay, base.weightDecay()), or(beta1, base.beta1()),
                or(beta2, base.beta2()), or(gradClip, base.gradClip()), or(evalInterval, base.evalInterval()),
                or(evalIters, base.evalIters()), or(sampleInterval, base.sampleInterval()),
                or(checkpointInterval, base.checkpointInterval()), or(seed, base.seed()));
    }

    private static <T> T or(T given, T otherwise) {
        return given == null ? otherwise : given;
    }
}
