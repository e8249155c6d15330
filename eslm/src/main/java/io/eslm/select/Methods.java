// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static io.eslm.select.MethodSetting.ALPHA;
import static io.eslm.select.MethodSetting.ALPHA_END;
import static io.eslm.select.MethodSetting.ALPHA_MAX;
import static io.eslm.select.MethodSetting.ALPHA_MIN;
import static io.eslm.select.MethodSetting.DRAW;
import static io.eslm.select.MethodSetting.EXIT_BLOCKS;
import static io.eslm.select.MethodSetting.EXIT_STRIDE;
import static io.eslm.select.MethodSetting.GAMMA;
import static io.eslm.select.MethodSetting.INSTANCE_ALPHA;
import static io.eslm.select.MethodSetting.INSTANCE_RISK;
import static io.eslm.select.MethodSetting.INTERVAL;
import static io.eslm.select.MethodSetting.KD_WEIGHT;
import static io.eslm.select.MethodSetting.KEEP_RATIO;
import static io.eslm.select.MethodSetting.KEEP_RATIO_END;
import static io.eslm.select.MethodSetting.REFERENCE;
import static io.eslm.select.MethodSetting.RISK;
import static io.eslm.select.MethodSetting.RISK_FLOOR;
import static io.eslm.select.MethodSetting.TEACHER;
import static io.eslm.select.MethodSetting.TEMPERATURE;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.MeanObjective;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The methods that {@code --method} takes: their names, their settings, and the loss that each one is. */
public final class Methods {
    /** Loads a model folder on the backend that trains: a reference or a teacher. */
    public interface Models extends Function<Path, Gpt2> {
    }

    private interface Maker {
        Objective make(MethodSpec spec, Models models);
    }

    /** @param defaults of settings that have another one than {@link MethodSetting#otherwise} here */
    private record Method(List<MethodSetting> settings, Map<MethodSetting, String> defaults, Maker maker) {
    }

    /** The best probabilities are proportional to the norm of a token's gradient. */
    private static final Map<MethodSetting, String> BY_GRADIENT = Map.of(RISK, Risk.GRADIENT.toString());
    private static final String SHORTLIST = "shortlist-sampling";
    private static final Map<String, Method> ALL = new LinkedHashMap<>();

    static {
        method("clm", List.of(), (_, _) -> new MeanObjective());
        method("cvar-loss", List.of(ALPHA, ALPHA_END),
                (spec, _) -> new SelectiveObjective(spec.toString(), spec.alpha(), Risk.LOSS));
        method("var-entropy", List.of(ALPHA, ALPHA_END),
                (spec, _) -> new SelectiveObjective(spec.toString(), spec.alpha(), Risk.ENTROPY));
        method("random", List.of(ALPHA, ALPHA_END),
                (spec, _) -> new BeforeHeadObjective(spec.toString(), spec.alpha(), new RandomSelection()));
        method("ada-cvar-loss", List.of(ALPHA, GAMMA, ALPHA_MIN, ALPHA_MAX, INTERVAL),
                (spec, _) -> new AdaptiveObjective(spec.toString(), Risk.LOSS, spec.feedback()));
        method("ada-var-entropy", List.of(ALPHA, GAMMA, ALPHA_MIN, ALPHA_MAX, INTERVAL),
                (spec, _) -> new AdaptiveObjective(spec.toString(), Risk.ENTROPY, spec.feedback()));
        method("rho-1", List.of(KEEP_RATIO, KEEP_RATIO_END, REFERENCE), (spec, models) -> new ExcessLossObjective(
                spec.toString(), spec.alphaOfKept(), models.apply(spec.folder(REFERENCE))));
        method("risk-sampling", List.of(KEEP_RATIO, KEEP_RATIO_END, RISK, RISK_FLOOR), BY_GRADIENT,
                (spec, _) -> new SelectiveObjective(spec.toString(), spec.alphaOfKept(),
                        alpha -> new RiskSampling(alpha, spec.risk(RISK), spec.number(RISK_FLOOR))));
        method(SHORTLIST, List.of(KEEP_RATIO, KEEP_RATIO_END, RISK, RISK_FLOOR), BY_GRADIENT,
                (spec, _) -> new BeforeHeadObjective(spec.toString(), spec.alphaOfKept(),
                        new Shortlist(spec.risk(RISK), spec.number(RISK_FLOOR))));
        method("instance", List.of(INSTANCE_ALPHA, INSTANCE_RISK, EXIT_BLOCKS, EXIT_STRIDE, DRAW),
                (spec, _) -> instance(spec, new MeanObjective()));
        method("hierarchical",
                List.of(ALPHA, ALPHA_END, RISK, INSTANCE_ALPHA, INSTANCE_RISK, EXIT_BLOCKS, EXIT_STRIDE, DRAW),
                (spec, _) -> instance(spec, new SelectiveObjective(spec.toString(), spec.alpha(), spec.risk(RISK))));
        method("kd", List.of(ALPHA, ALPHA_END, RISK, TEACHER, TEMPERATURE, KD_WEIGHT),
                (spec, models) -> new DistillationObjective(spec.toString(), spec.alpha(), spec.risk(RISK),
                        models.apply(spec.folder(TEACHER)), spec.number(TEMPERATURE), spec.number(KD_WEIGHT)));
    }

    private static InstanceSelection instance(MethodSpec spec, Objective then) {
        return new InstanceSelection(spec.toString(), spec.number(INSTANCE_ALPHA), spec.risk(INSTANCE_RISK),
                spec.earlyExit(), spec.draw(), then);
    }

    private Methods() {
    }

    private static void method(String name, List<MethodSetting> settings, Maker maker) {
        method(name, settings, Map.of(), maker);
    }

    private static void method(String name, List<MethodSetting> settings, Map<MethodSetting, String> defaults,
            Maker maker) {
        ALL.put(name, new Method(settings, defaults, maker));
    }

    /** All names. */
    public static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    /**
     * What can be set about a method.
     *
     * @throws UserError if there is none of that name
     */
    public static List<MethodSetting> settings(String name) {
        return method(name).settings;
    }

    /** What a method does where nothing is said about a setting, as text; null for nothing. */
    public static String otherwise(String name, MethodSetting setting) {
        return method(name).defaults.getOrDefault(setting, setting.otherwise());
    }

    private static Method method(String name) {
        Method method = ALL.get(name);
        if (method == null) {
            throw new UserError("--method " + name + ": no such method; there are " + String.join(", ", names()));
        }
        return method;
    }

    /**
     * Whether a method can train a model of this shape, found out from its settings and the headers of the folders that it
     * names: before any work.
     *
     * @throws UserError if not
     */
    public static void check(MethodSpec spec, Gpt2Config config) {
        for (MethodSetting s : settings(spec.name())) {
            if (spec.has(s) && s.isNeeded()) {
                checkFolder(s, spec.folder(s), config);
            }
        }
        if (spec.has(EXIT_BLOCKS)) {
            spec.earlyExit().check(config.nLayer());
        }
    }

    private static void checkFolder(MethodSetting setting, Path folder, Gpt2Config config) {
        Gpt2Config other;
        try {
            other = ModelFolder.check(folder);
        } catch (UserError e) {
            throw new UserError(setting.option() + " " + e.getMessage(), e);
        }
        if (other.vocabSize() != config.vocabSize()) {
            throw new UserError(setting.option() + " " + folder + ": its vocabulary has " + other.vocabSize()
                    + " ids, but the model in training has " + config.vocabSize() + "; both must have the same tokens");
        }
        if (other.blockSize() < config.blockSize()) {
            throw new UserError(setting.option() + " " + folder + ": it has " + other.blockSize()
                    + " positions, but the model in training has " + config.blockSize()
                    + "; take a shorter --block-size, or another folder");
        }
    }

    /**
     * About how many bytes a method needs besides what plain language modelling does, see {@link MemoryNeed#ofTraining}: the
     * weights of another model and one of its blocks' activations (16 C for each token), a teacher's logits, an early exit, a
     * shortlist's weights and logits.
     */
    public static long memory(MethodSpec spec, Gpt2Config config, int batchSize) {
        long tokens = (long) batchSize * config.blockSize();
        long bytes = 0;
        for (MethodSetting s : List.of(REFERENCE, TEACHER)) {
            if (spec.has(s)) {
                Gpt2Config other = ModelFolder.config(spec.folder(s));
                bytes += MemoryNeed.ofWeights(other) + 4 * tokens * 16 * other.nEmbd();
            }
        }
        bytes += spec.has(TEACHER) ? 4 * tokens * config.vocabSize() : 0;
        bytes += spec.name().equals(SHORTLIST) ? Shortlist.memory(config, tokens) : 0;
        return bytes + (spec.has(EXIT_BLOCKS)
                ? spec.earlyExit().memory(config, instance(spec, new MeanObjective()).drawn(batchSize)) : 0);
    }

    /** The loss that {@code spec} trains on, in its initial state. */
    public static Objective of(MethodSpec spec, Models models) {
        return ALL.get(spec.name()).maker.make(spec, models);
    }
}
