// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * nanoGPT's options that have another name here, or none. An option that asks for what happens anyway is accepted and dropped;
 * one that asks for something else is refused with what to do instead.
 */
final class NanoGptWords {
    private static final Set<String> TRUE = Set.of("true", "1");
    private static final Set<String> FALSE = Set.of("false", "0");
    private static final Set<String> PRETRAINED = Set.of("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl");

    /**
     * What an option means here.
     *
     * @param name of our option that takes its value; null if there is none
     * @param harmless values, in lower case, that ask for what happens anyway
     * @param instead what to do where another value was given
     * @param isSwitch whether it is True if it stands alone
     */
    private record Word(String name, Set<String> harmless, String instead, boolean isSwitch) {
    }

    private static final Map<String, Word> WORDS = Map.ofEntries(
            Map.entry("gradient_accumulation_steps", new Word("--grad-accum", Set.of(), "", false)),
            Map.entry("decay_lr", toggle(TRUE, "for a constant rate, give --min-lr the value of --learning-rate")),
            Map.entry("compile", toggle(Set.of("true", "1", "false", "0"), "the JVM always compiles. Omit the option")),
            Map.entry("eval_only", toggle(FALSE, "evaluate with: eslm eval --model DIR --data PATH")),
            Map.entry("always_save_checkpoint",
                    toggle(TRUE, "--checkpoint-interval says how often a checkpoint is saved")),
            Map.entry("wandb_log",
                    toggle(FALSE, "the run's folder has metrics.jsonl and report.html. Omit the option")),
            Map.entry("wandb_project", value(Set.of(), "nothing is sent to wandb. Omit the option")),
            Map.entry("wandb_run_name", value(Set.of(), "name the run by its folder: --out-dir DIR")),
            Map.entry("device", value(Set.of("cpu"), "name a backend: --backend NAME; 'eslm backends' lists them")),
            Map.entry("dtype", value(Set.of("float32"), "training computes in float32. Omit the option")),
            Map.entry("dataset", value(Set.of(), "name the folder of train.bin: --data data/NAME")));

    private NanoGptWords() {
    }

    private static Word toggle(Set<String> harmless, String instead) {
        return new Word(null, harmless, instead, true);
    }

    private static Word value(Set<String> harmless, String instead) {
        return new Word(null, harmless, instead, false);
    }

    /** @throws UserError if an option asks for what cannot be done here */
    static List<String> translate(List<String> words) {
        if (words.isEmpty() || !Set.of("train", "sample").contains(words.getFirst())) {
            return words;
        }
        List<String> ours = new ArrayList<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            int equals = word.indexOf('=');
            String flag = equals < 0 ? word : word.substring(0, equals);
            Word known = flag.startsWith("--") ? WORDS.get(flag.substring(2).replace('-', '_')) : null;
            if (known == null) {
                ours.add(word);
                continue;
            }
            String next = i + 1 < words.size() ? words.get(i + 1) : null;
            boolean takesNext = equals < 0 && next != null && !next.startsWith("--");
            String given = equals >= 0 ? word.substring(equals + 1) : takesNext ? next : known.isSwitch ? "True" : "";
            i += takesNext ? 1 : 0;
            if (known.name != null) {
                ours.add(known.name + "=" + given);
            } else if (!known.harmless.contains(given.toLowerCase(Locale.ROOT))) {
                throw new UserError(
                        flag + " " + given + ": nanoGPT's option has no counterpart here: " + known.instead);
            }
        }
        return ours;
    }

    /** @throws UserError if {@code from} names weights that nanoGPT would download */
    static void checkInitFrom(String from) {
        if (PRETRAINED.contains(from) && !Files.exists(Path.of(from))) {
            throw new UserError("--init-from " + from + ": there is no folder " + from + ", and nothing is downloaded. "
                    + "Fetch config.json and model.safetensors of " + from
                    + " into a folder, and name that; or train that size "
                    + "from scratch: --model " + from);
        }
    }
}
