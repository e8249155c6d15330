// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.autograd.optim.Schedule;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;

/** What to say once, before the first step of a run. */
final class RunNotes {
    private final RunPlan plan;
    private final List<RunNote> notes = new ArrayList<>();

    private RunNotes(RunPlan plan) {
        this.plan = plan;
    }

    /**
     * @param record of this start
     * @param step done so far
     * @param samples whether samples are asked for
     */
    static List<RunNote> of(RunPlan plan, JsonObject record, TokenData tokens, long step, boolean samples) {
        RunNotes all = new RunNotes(plan);
        if (step >= plan.options().get(TrainOptions.MAX_ITERS)) {
            return List.of();
        }
        all.cannotBeDone(tokens, samples);
        plan.saved().ifPresent(saved -> {
            if (plan.checkpoint().isEmpty()) {
                all.notes
                        .add(RunNote.of("the run in " + plan.folder() + " has no checkpoint yet, so it begins again at "
                                + "step 0, with the same numbers"));
            }
            all.arithmetic(saved, record);
            all.content(saved);
            all.schedule(saved(saved), step);
        });
        return all.notes;
    }

    /** The options that a run was last started with. */
    static TrainOptions saved(Json config) {
        return new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, config.child("options")));
    }

    private void cannotBeDone(TokenData tokens, boolean samples) {
        int block = plan.model().blockSize();
        if (plan.options().get(TrainOptions.EVAL_INTERVAL) > 0
                && tokens.val().filter(set -> EvalWindows.all(set, block).size() > 0).isEmpty()) {
            notes.add(RunNote.of("no evaluations: " + plan.data() + (tokens.val().isEmpty() ? " has no held-out part"
                    : " has a held-out part that is too short to predict a token of it")));
        }
        if (samples && tokens.tokenizer().isEmpty()) {
            notes.add(RunNote.of("no samples: " + plan.data() + " does not say which texts its ids stand for"));
        }
    }

    private void arithmetic(Json saved, JsonObject record) {
        // An earlier version named the width; what it computed at 512 bits is what every width computes now.
        String before = text(saved.object(), "arithmetic").replace(", 512 bits", "");
        String now = text(record, "arithmetic");
        if (!before.isEmpty() && !before.equals(now)) {
            notes.add(RunNote.of("so far this run was computed by " + before + ", and now by " + now
                    + ", which rounds differently: it goes on, but not with the bits that it would have had there"));
        }
    }

    private static String text(JsonObject config, String field) {
        return config.get("machine") instanceof JsonObject machine && machine.has(field)
                ? machine.get(field).getAsString() : "";
    }

    private void content(Json saved) {
        if (!DataIdentity.isKnown(saved.child("tokens").object())
                && !saved.required("data", String.class).equals(plan.data())) {
            notes.add(RunNote.of("this run has no hash of its data, so that " + plan.data()
                    + " is the same can be seen only by the number of its tokens"));
        }
    }

    /** The learning rate before and after new options, at the next step and at the last. */
    private void schedule(TrainOptions saved, long step) {
        TrainOptions now = plan.options();
        Schedule before = saved.schedule();
        Schedule after = now.schedule();
        long last = now.get(TrainOptions.MAX_ITERS) - 1L;
        if (LongStream.rangeClosed(step, last).allMatch(i -> before.at(i) == after.at(i))) {
            return;
        }
        String text = "the options given now change the learning rate: " + change(before, after, step)
                + (last > step ? "; " + change(before, after, last) : "")
                + ". It falls to " + end(after) + " (before: " + end(before) + ")";
        boolean longer = before.decayIters() != after.decayIters();
        notes.add(longer ? new RunNote(text, "to keep the length of the schedule, give", TrainOptions.LR_DECAY_ITERS,
                before.decayIters()) : RunNote.of(text));
    }

    private static String change(Schedule before, Schedule after, long step) {
        return "at step " + (step + 1) + " it is " + rate(after.at(step)) + " instead of " + rate(before.at(step));
    }

    private static String end(Schedule schedule) {
        return TrainOptions.MIN_LR + " " + rate(schedule.minLearningRate()) + " at step " + schedule.decayIters();
    }

    private static String rate(double value) {
        return String.format(Locale.ROOT, "%.3g", value);
    }
}
