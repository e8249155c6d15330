// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import com.google.gson.JsonPrimitive;
import io.eslm.task.Choice.Pair;
import io.eslm.tensor.io.Json;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Makes examples of rows: the prompts of lm-eval. */
final class Rows {
    private static final Pattern BRACKETS = Pattern.compile("\\[[^\\n]*?\\]");

    private Rows() {
    }

    static Example hellaSwag(Json row) {
        String context = text(row, "ctx_a") + " " + PythonText.capitalize(text(row, "ctx_b"));
        List<String> endings = row.list("endings", String.class).stream().map(Rows::withoutBrackets).toList();
        return Choice.of(row.place(), withoutBrackets(text(row, "activity_label") + ": " + context), endings,
                index(row, "label", 0, endings.size()));
    }

    /** WikiHow's marks: a title becomes a sentence, the others go. */
    private static String withoutBrackets(String text) {
        return BRACKETS.matcher(PythonText.strip(text).replace(" [title]", ". ")).replaceAll("").replace("  ", " ");
    }

    static Example lambada(Json row) {
        String text = text(row, "text");
        int space = text.lastIndexOf(' ');
        return new Cloze(row.place(), text.substring(0, Math.max(0, space)), " " + text.substring(space + 1));
    }

    static Example piqa(Json row) {
        return Choice.of(row.place(), question(text(row, "goal")), texts(row, "sol1", "sol2"),
                index(row, "label", 0, 2));
    }

    static Example arc(Json row) {
        Json choices = row.child("choices");
        List<String> answers = choices.list("text", String.class);
        List<String> labels = choices.list("label", String.class);
        int right = labels.indexOf(text(row, "answerKey"));
        if (right < 0 || answers.size() != labels.size()) {
            throw row.wrong("answerKey",
                    "expected one of " + labels + ", the labels of " + answers.size() + " answers");
        }
        return Choice.of(row.place(), question(text(row, "question")), answers, right);
    }

    /** Each option fills the gap, and what follows the gap is scored. */
    static Example winogrande(Json row) {
        String sentence = text(row, "sentence");
        int gap = sentence.indexOf('_');
        if (gap < 0) {
            throw row.wrong("sentence", "expected a sentence with a gap, written _");
        }
        String rest = " " + PythonText.strip(sentence.substring(gap + 1));
        List<Pair> pairs = texts(row, "option1", "option2").stream()
                .map(option -> new Pair(sentence.substring(0, gap) + option, rest)).toList();
        return Choice.ofPairs(row.place(), pairs, index(row, "answer", 1, 2));
    }

    static Example sciq(Json row) {
        return Choice.of(row.place(),
                PythonText.stripStart(text(row, "support")) + "\n" + question(text(row, "question")),
                texts(row, "distractor1", "distractor2", "distractor3", "correct_answer"), 3);
    }

    static Example blimp(Json row) {
        return Choice.ofPairs(row.place(), texts(row, "sentence_good", "sentence_bad").stream()
                .map(sentence -> new Pair("", " " + sentence)).toList(), 0);
    }

    private static String question(String text) {
        return "Question: " + text + "\nAnswer:";
    }

    private static String text(Json row, String column) {
        return row.required(column, String.class);
    }

    private static List<String> texts(Json row, String... columns) {
        return Stream.of(columns).map(column -> text(row, column)).toList();
    }

    /** Which of {@code n} answers is right, counted from 0; the column counts from {@code first}, as a number or its text. */
    private static int index(Json row, String column, int first, int n) {
        boolean isText = row.object().get(column) instanceof JsonPrimitive p && p.isString();
        String value = isText ? text(row, column) : row.required(column, Long.class).toString();
        for (int i = 0; i < n; i++) {
            if (value.equals(String.valueOf(first + i))) {
                return i;
            }
        }
        throw row.wrong(column, "expected a number from " + first + " to " + (first + n - 1)
                + ". Test files without answers cannot be scored; take the validation file");
    }
}
