// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.report.RunLog;
import io.eslm.tensor.backend.Backend;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** The record of a run in {@value RunLog#CONFIG}: enough to repeat it, and the machine that it ran on. */
public final class RunConfig {
    /** The field that names the model folder whose weights the run began with, or {@value #SCRATCH}. */
    static final String INIT_FROM = "init_from";
    static final String SCRATCH = "scratch";

    private RunConfig() {
    }

    static JsonObject of(RunPlan plan, Backend backend, TokenData data) {
        JsonObject o = new JsonObject();
        o.addProperty("program", "eslm " + version());
        o.addProperty("commit", Provenance.programCommit());
        o.addProperty("started", saved(plan, "started")
                .orElseGet(() -> Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()));
        JsonArray arguments = new JsonArray();
        plan.arguments().forEach(arguments::add);
        o.add("arguments", arguments);
        o.addProperty("method", plan.method().toString());
        o.addProperty("data", plan.data());
        o.addProperty(INIT_FROM, saved(plan, INIT_FROM)
                .orElseGet(() -> plan.from().isEmpty() ? SCRATCH : plan.from().get().toString()));
        o.add("model", plan.model().values().toJson());
        o.addProperty("parameters", plan.model().parameterCount());
        o.add("options", plan.options().values().toJson());
        o.add("tokens", tokens(data));
        o.add("machine", Provenance.machineOf(backend));
        plan.notes().forEach(o::addProperty);
        return o;
    }

    private static Optional<String> saved(RunPlan plan, String field) {
        return plan.saved().map(saved -> saved.required(field, String.class));
    }

    /** The program's version. */
    public static String version() {
        return Provenance.programVersion();
    }

    /** The sizes of the data to train and to evaluate on, and hashes of its content. */
    public static JsonObject tokens(TokenData data) {
        JsonObject tokens = new JsonObject();
        tokens.addProperty("source", data.source());
        tokens.addProperty("tokenizer", data.tokenizer().map(Tokenizers::label).orElse("unknown"));
        tokens.addProperty("train", data.train().tokens().size());
        tokens.addProperty("held_out", data.val().map(set -> set.tokens().size()).orElse(0L));
        DataIdentity.add(tokens, data);
        return tokens;
    }
}
