// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Options of nanoGPT, of Hugging Face's trainer, and of other commands that have another name here, or none. An option that asks for what happens
 * anyway is accepted and dropped; one that asks for something else is refused with what to do instead.
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

    private static final Word COMPILE =
            toggle(Set.of("true", "1", "false", "0"), "the JVM always compiles. Omit the option");
    private static final Word DEVICE =
            value(Set.of("cpu"), "name a backend: --backend NAME; 'eslm backends' lists them");
    private static final Word DTYPE = value(Set.of("float32"), "it computes in float32. Omit the option");
    private static final Word HALF = toggle(FALSE, "training computes in float32. Omit the option");
    private static final Word WANDB =
            value(Set.of(), "nothing is sent to wandb. Omit the option; name the run by its folder: --out-dir DIR");

    private static final Map<String, Word> TRAIN = Map.ofEntries(
            Map.entry("gradient_accumulation_steps", renamed("--grad-accum")),
            Map.entry("decay_lr", toggle(TRUE, "for a constant rate, give --min-lr the value of --learning-rate")),
            Map.entry("compile", COMPILE),
            Map.entry("eval_only", toggle(FALSE, "evaluate with: eslm eval --model DIR --data PATH")),
            Map.entry("always_save_checkpoint",
                    toggle(TRUE, "--checkpoint-interval says how often a checkpoint is saved")),
            Map.entry("wandb_log",
                    toggle(FALSE, "the run's folder has metrics.jsonl and report.html. Omit the option")),
            Map.entry("wandb_project", WANDB),
            Map.entry("wandb_run_name", WANDB),
            Map.entry("device", DEVICE),
            Map.entry("dtype", DTYPE),
            Map.entry("dataset", value(Set.of(), "name the folder of train.bin: --data data/NAME")),
            Map.entry("output_dir", renamed("--out-dir")),
            Map.entry("overwrite_output_dir", toggle(FALSE, "nothing is replaced; name another folder: --out-dir DIR")),
            Map.entry("train_file", renamed("--data")),
            Map.entry("validation_file",
                    value(Set.of(), "the held-out part comes from --data; --held-out says how much")),
            Map.entry("model_name_or_path", renamed("--init-from")),
            Map.entry("tokenizer_name", renamed("--tokenizer")),
            Map.entry("per_device_train_batch_size", renamed("--batch-size")),
            Map.entry("per_device_eval_batch_size", value(Set.of(), "evaluation takes --batch-size too")),
            Map.entry("max_steps", renamed("--max-iters")),
            Map.entry("num_train_epochs",
                    value(Set.of(), "give the number of steps: --max-iters N. An epoch has as many as "
                            + "the tokens of the data / (batch size × grad accum × block size)")),
            Map.entry("lr", renamed("--learning-rate")),
            Map.entry("warmup_steps", renamed("--warmup-iters")),
            Map.entry("warmup_ratio", value(Set.of("0", "0.0"), "give steps: --warmup-iters N")),
            Map.entry("lr_scheduler_type", value(Set.of("cosine"),
                    "the rate falls as a cosine; for a constant rate, give --min-lr the value of --learning-rate")),
            Map.entry("optim", value(Set.of("adamw_torch", "adamw_torch_fused", "adamw"),
                    "give --optimizer adamw, the default, or --optimizer muon")),
            Map.entry("adam_beta1", renamed("--beta1")),
            Map.entry("adam_beta2", renamed("--beta2")),
            Map.entry("max_grad_norm", renamed("--grad-clip")),
            Map.entry("logging_steps", renamed("--log-interval")),
            Map.entry("eval_steps", renamed("--eval-interval")),
            Map.entry("save_steps", renamed("--checkpoint-interval")),
            Map.entry("save_total_limit", renamed("--keep-checkpoints")),
            Map.entry("load_best_model_at_end", renamedSwitch("--keep-best")),
            Map.entry("resume_from_checkpoint",
                    value(Set.of("false"), "continue a run with: --init-from resume --out-dir DIR")),
            Map.entry("fp16", HALF),
            Map.entry("bf16", HALF),
            Map.entry("tf32", HALF),
            Map.entry("do_train", toggle(TRUE, "evaluate with: eslm eval --model DIR --data PATH")),
            Map.entry("do_eval", toggle(TRUE, "without evaluations: --eval-interval 0")),
            Map.entry("gradient_checkpointing", toggle(FALSE, "all activations are kept; to save memory, lower "
                    + "--batch-size and raise --grad-accum")),
            Map.entry("torch_compile", COMPILE),
            Map.entry("use_cpu", toggle(TRUE, "name a backend: --backend NAME; 'eslm backends' lists them")),
            Map.entry("report_to", value(Set.of("none"), "--tensorboard true writes event files; metrics.jsonl and "
                    + "report.html are always there")));

    private static final Map<String, Word> SAMPLE = Map.ofEntries(
            Map.entry("compile", COMPILE),
            Map.entry("device", DEVICE),
            Map.entry("dtype", DTYPE),
            Map.entry("out_dir", renamed("--model")),
            Map.entry("init_from", value(Set.of("resume"), "name the model's folder: --model DIR")),
            Map.entry("model_name_or_path", renamed("--model")),
            Map.entry("length", renamed("--max-new-tokens")),
            Map.entry("num_return_sequences", renamed("--num-samples")),
            Map.entry("do_sample", toggle(TRUE, "always the most likely token: --temperature 0")),
            Map.entry("repetition_penalty", value(Set.of("1", "1.0"), "lower --top-p, or raise --temperature")),
            Map.entry("num_beams", value(Set.of("1"), "there is no beam search; --temperature 0 is greedy")));

    private static final Map<String, Map<String, Word>> WORDS =
            Map.of("train", TRAIN, "compare", compare(), "sample", SAMPLE,
                    "prepare", Map.of("data", renamed("--in"), "file", renamed("--in")),
                    "eval", Map.of("file", renamed("--data")));

    private NanoGptWords() {
    }

    /** Those of train, without what a comparison does not do. */
    private static Map<String, Word> compare() {
        Map<String, Word> words = new HashMap<>(TRAIN);
        words.put("model_name_or_path", value(Set.of(), "a comparison begins with new models. Omit the option"));
        words.put("resume_from_checkpoint",
                value(Set.of("false"), "a comparison that is started again in its folder goes on. Omit the option"));
        words.put("logging_steps", value(Set.of(), "a comparison shows its progress by itself. Omit the option"));
        words.put("report_to",
                value(Set.of("none"), "a comparison writes compare.html and compare.json. Omit the option"));
        words.put("validation_file", value(Set.of(), "the held-out part comes from --data. Omit the option"));
        return words;
    }

    private static Word renamed(String name) {
        return new Word(name, Set.of(), "", false);
    }

    private static Word renamedSwitch(String name) {
        return new Word(name, Set.of(), "", true);
    }

    private static Word toggle(Set<String> harmless, String instead) {
        return new Word(null, harmless, instead, true);
    }

    private static Word value(Set<String> harmless, String instead) {
        return new Word(null, harmless, instead, false);
    }

    /** @throws UserError if an option asks for what cannot be done here */
    static List<String> translate(List<String> words) {
        Map<String, Word> all = words.isEmpty() ? Map.of() : WORDS.getOrDefault(words.getFirst(), Map.of());
        List<String> ours = new ArrayList<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            int equals = word.indexOf('=');
            String flag = equals < 0 ? word : word.substring(0, equals);
            Word known = flag.startsWith("--") ? all.get(flag.substring(2).replace('-', '_')) : null;
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
                throw new UserError(flag + (given.isEmpty() ? "" : " " + given)
                        + ": this option of nanoGPT or Hugging Face has no counterpart here: " + known.instead);
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
