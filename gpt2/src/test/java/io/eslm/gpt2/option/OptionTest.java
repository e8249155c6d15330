// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.option;

import static io.eslm.gpt2.train.TrainOptions.BATCH_SIZE;
import static io.eslm.gpt2.train.TrainOptions.LEARNING_RATE;
import static io.eslm.gpt2.train.TrainOptions.MAX_ITERS;
import static io.eslm.gpt2.train.TrainOptions.MIN_LR;
import static io.eslm.gpt2.train.TrainOptions.SEED;
import static io.eslm.gpt2.train.TrainOptions.WARMUP_ITERS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionTest {
    private enum Colour {
        RED, BLUE
    }

    private static final Option<Colour> COLOUR = Option.choice("wall colour", "C", "of the walls", Colour.values());
    private static final Option<Path> PLAN = Option.path("plan", "FILE", "drawing of the house");
    private static final OptionGroup HOUSE = new OptionGroup("House", List.of(COLOUR.defaultsTo(Colour.BLUE), PLAN));

    private static final Path FILE = Path.of("trainer.json");
    /** The "options" of a checkpoint of an earlier version. */
    private static final String SAVED = """
            {"max_iters":40,"batch_size":4,"grad_accum":2,"learning_rate":0.005,"min_lr":5.0E-4,"warmup_iters":5,\
            "weight_decay":0.1,"beta1":0.9,"beta2":0.95,"grad_clip":1.0,"eval_interval":0,"eval_iters":2,\
            "sample_interval":0,"checkpoint_interval":0,"seed":11}""";

    private static TrainOptions train(JsonObject json) {
        return new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, Json.of(FILE, json)));
    }

    @Test
    void optionsOfEarlierRunsAreReadAndWrittenTheSame() {
        TrainOptions options = train(JsonParser.parseString(SAVED).getAsJsonObject());
        assertEquals(5e-4, options.get(MIN_LR));
        assertEquals(11L, options.get(SEED));
        JsonObject written = options.values().toJson();
        assertEquals(2, written.remove("keep_checkpoints").getAsInt(), "an option from after that version");
        assertFalse(written.remove("keep_best").getAsBoolean());
        assertEquals(40, written.remove("lr_decay_iters").getAsInt());
        List.of("separate_documents", "kept_backward", "optimizer", "lora_rank", "lora_alpha", "lora_dropout",
                "lora_targets",
                "ordered_sum")
                .forEach(written::remove);
        assertEquals(SAVED, written.toString());
    }

    @Test
    void flagsAreTrueOrFalse() {
        assertTrue(TrainOptions.KEEP_BEST.parse("True"));
        assertFalse(TrainOptions.KEEP_BEST.parse("false"));
        String message = assertThrows(OptionError.class, () -> TrainOptions.KEEP_BEST.parse("yes")).getMessage();
        assertEquals("keep best yes: must be true or false", message);
        TrainOptions options = train(JsonParser.parseString("{\"keep_best\":true}").getAsJsonObject());
        assertTrue(options.get(TrainOptions.KEEP_BEST));
        assertEquals("true", options.values().toJson().get("keep_best").toString());
        for (String wrong : List.of("1", "\"true\"", "null", "[true]")) {
            JsonObject json = JsonParser.parseString("{\"keep_best\":" + wrong + "}").getAsJsonObject();
            assertTrue(assertThrows(UserError.class, () -> train(json)).getMessage().contains("true or false"));
        }
    }

    @Test
    void everyBitSurvives() {
        TrainOptions options = TrainOptions.defaults().with(LEARNING_RATE, 1.0 / 3).with(MIN_LR, 1e-7 / 3)
                .with(SEED, Long.MIN_VALUE);
        assertEquals(options, train(Json.parse(Json.line(options.values().toJson()))));
        Gpt2Config demo = Gpt2Config.preset("demo");
        assertEquals(demo,
                new Gpt2Config(OptionValues.fromJson(Gpt2Config.GROUP, Json.of(FILE, demo.values().toJson()))));
    }

    @Test
    void defaultsFollowTheOptionsTheyAreComputedFrom() {
        TrainOptions options = TrainOptions.defaults().with(MAX_ITERS, 110).with(LEARNING_RATE, 0.5);
        assertEquals(0.05, options.get(MIN_LR));
        assertEquals(6, options.get(WARMUP_ITERS), "5 % of 110, rounded half up");
        assertFalse(options.values().isSet(MIN_LR));
        assertEquals(0.2, options.with(MIN_LR, 0.2).get(MIN_LR));
    }

    @Test
    void aLowerRateOfAResumedRunLowersTheLeastRate() {
        TrainOptions saved = train(JsonParser.parseString(SAVED).getAsJsonObject());
        OptionValues given = OptionValues.defaults(TrainOptions.GROUP).with(LEARNING_RATE, 1e-5);
        assertEquals(1e-5, saved.resumedWith(given).get(MIN_LR));
        assertEquals(4, saved.resumedWith(given).get(BATCH_SIZE));
        assertEquals(1e-6, saved.resumedWith(given.with(MIN_LR, 1e-6)).get(MIN_LR));
        assertEquals(5e-4, saved.resumedWith(given.with(LEARNING_RATE, 1.0)).get(MIN_LR));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"max iters|0|max iters 0: must be at least 1",
        "max iters|ten|max iters ten: must be a whole number", "max iters|1.5|max iters 1.5: must be a whole number",
        "learning rate|-1|learning rate -1.0: must be at least 0",
        "learning rate|NaN|learning rate NaN: must be at least 0",
        "learning rate|fast|learning rate fast: must be a finite number",
        "beta1|1|beta1 1.0: must be at least 0 and below 1"})
    void aBadValueIsNamedByTheOptionsWord(String name, String text, String message) {
        Option<?> option = TrainOptions.GROUP.find(name.replace(' ', '-')).orElseThrow();
        assertEquals(message, assertThrows(UserError.class, () -> option.parse(text)).getMessage());
    }

    @Test
    void valuesThatDoNotFitEachOtherAreRefused() {
        TrainOptions rates = TrainOptions.defaults().with(MIN_LR, 0.2).with(LEARNING_RATE, 0.1);
        assertEquals("min lr 0.2: must be at most learning rate 0.1",
                assertThrows(UserError.class, rates::schedule).getMessage());
        Gpt2Config heads = Gpt2Config.preset("demo").with(Gpt2Config.N_HEAD, 3);
        assertEquals("n embd 128: must be a multiple of n head 3; try 129",
                assertThrows(UserError.class, heads::check).getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{\"max_iter\": 1}|trainer.json: \"max_iter\" is no option",
        "{\"max_iters\": \"1\"}|trainer.json: \"max_iters\" is \"1\", must be a whole number",
        "{\"max_iters\": null}|trainer.json: \"max_iters\" is null, must be a whole number",
        "{\"max_iters\": [1]}|trainer.json: \"max_iters\" is [1], must be a whole number",
        "{\"max_iters\": 0}|trainer.json: \"max_iters\" 0: must be at least 1"})
    void jsonThatDoesNotFitIsRefused(String json, String message) {
        JsonObject object = JsonParser.parseString(json).getAsJsonObject();
        assertEquals(message, assertThrows(UserError.class, () -> train(object)).getMessage());
    }

    @Test
    void anOptionThatAnOldFileLacksTakesItsDefault() {
        JsonObject old = JsonParser.parseString(SAVED).getAsJsonObject();
        old.remove("beta2");
        assertEquals(0.95, train(old).get(TrainOptions.BETA2));
    }

    @Test
    void choicesAndPaths() {
        OptionValues none = OptionValues.defaults(HOUSE);
        assertEquals(Colour.BLUE, none.get(COLOUR), "the group's declaration has the default");
        assertEquals(Colour.RED, none.withText(COLOUR, "RED").get(COLOUR));
        assertEquals("wall colour GREEN: must be RED or BLUE",
                assertThrows(UserError.class, () -> COLOUR.parse("GREEN")).getMessage());
        assertEquals("plan: must be given: drawing of the house",
                assertThrows(UserError.class, () -> none.get(PLAN)).getMessage());
        assertEquals(Optional.empty(), none.find(PLAN));
        assertEquals("{\"wall_colour\":\"BLUE\"}", none.toString());
        OptionValues planned = none.withText(PLAN, "a/b");
        assertEquals(planned, OptionValues.fromJson(HOUSE, Json.of(FILE, planned.toJson())));
        assertEquals(Optional.of(PLAN), planned.firstDifference(none));
        assertEquals(Optional.empty(), none.firstDifference(none.with(COLOUR, Colour.BLUE)));
        assertNotEquals(none, planned);
    }

    @Test
    void aGroupListsEachOptionOnce() {
        assertThrows(IllegalArgumentException.class, () -> new OptionGroup("Twice", List.of(PLAN, PLAN)));
        assertThrows(IllegalArgumentException.class, () -> OptionValues.defaults(HOUSE).get(MAX_ITERS));
        assertEquals("wall-colour wall_colour", COLOUR.key() + " " + COLOUR.jsonName());
        assertTrue(HOUSE.find("wall-colour").isPresent() && HOUSE.find("wall colour").isEmpty());
    }
}
