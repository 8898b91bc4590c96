//! The animal: its kinds, their words, its outline and its skin.

use super::canvas::{Colour, Lattice, hsv, mix, scaled, smoothstep};
use super::config::Trait;

/// The word of a kind in a class name.
pub(super) fn word(t: Trait, kind: usize) -> &'static str {
    let words: &[&str] = match t {
        Trait::Shape => &["bream", "pike", "angel", "puffer", "eel", "shark"],
        Trait::Texture => &["barred", "spotted", "masked", "striped", "marbled", "plain"],
        Trait::Colour => &["crimson", "copper", "golden", "lime", "emerald", "jade"],
        Trait::Handedness => &["left-facing", "right-facing"],
        Trait::Position => &["bottom", "midwater", "surface"],
        Trait::Scale => &["dwarf", "middling", "giant"],
    };
    words.get(kind).copied().unwrap_or("fish")
}

/// The kind that is the `level`th of `count` used.
pub(super) fn nth_kind(t: Trait, level: usize, count: usize) -> usize {
    match t {
        // Neighbouring hues, gold among them.
        Trait::Colour => level + if count <= 3 { 1 } else { 0 },
        // The two ends first.
        Trait::Position | Trait::Scale if count == 2 => level * 2,
        _ => level,
    }
}

/// Distance between the hues of neighbouring kinds, in turns: well apart to the eye, well within a hue jitter of ± 0.2.
pub(super) const HUE_STEP: f32 = 0.075;

/// Hue of a kind of colour, in turns.
pub(super) fn hue(kind: usize) -> f32 {
    0.985 + HUE_STEP * kind as f32
}

/// Steps of the table of the outline.
const STEPS: usize = 48;

/// Where the body ends and the tail fin begins; the snout is at 1, the tip of the tail at about −1.
const TAIL_ROOT: f32 = -0.6;

/// A convex fin, as the half-planes it is the common part of: normal and offset.
struct Fin {
    edges: Vec<[f32; 3]>,
    /// How far it reaches up or down.
    tall: f32,
    /// Direction of the rays, a unit vector.
    rays: [f32; 2],
}

impl Fin {
    /// Corners in order, either way round; `rays` is the angle of the fin rays in turns.
    fn new(corners: &[[f32; 2]], rays: f32) -> Self {
        let area: f32 = (0..corners.len())
            .map(|i| {
                let ([x0, y0], [x1, y1]) = (corners[i], corners[(i + 1) % corners.len()]);
                x0 * y1 - x1 * y0
            })
            .sum();
        let edges = (0..corners.len())
            .map(|i| {
                let ([x0, y0], [x1, y1]) = (corners[i], corners[(i + 1) % corners.len()]);
                let (dx, dy) = (x1 - x0, y1 - y0);
                let scale = area.signum() / (dx * dx + dy * dy).sqrt().max(1e-6);
                let (nx, ny) = (dy * scale, -dx * scale);
                [nx, ny, nx * x0 + ny * y0]
            })
            .collect();
        let (sin, cos) = (rays * std::f32::consts::TAU).sin_cos();
        let tall = corners.iter().fold(0.0, |tall: f32, [_, v]| tall.max(v.abs()));
        Self { edges, tall, rays: [cos, sin] }
    }

    /// Signed distance, negative inside; exact near edges, not beyond corners.
    fn distance(&self, u: f32, v: f32) -> f32 {
        self.edges.iter().fold(f32::MIN, |far, [nx, ny, offset]| far.max(nx * u + ny * v - offset))
    }
}

/// What is drawn of an animal. Lengths are in half lengths of its body, u forwards, v downwards.
pub(super) struct Fish {
    /// Half length in picture widths for kinds of shape of very different bulk to look equally large.
    pub(super) length: f32,
    /// How far it reaches from its middle.
    pub(super) reach: f32,
    /// Half depth along the body, snout first.
    outline: [f32; STEPS + 1],
    depth: f32,
    /// Half its height, fins included.
    tall: f32,
    fins: Vec<Fin>,
    eye: [f32; 2],
    sway: f32,
    wave: f32,
    skin: Skin,
}

/// Colours and pattern.
pub(super) struct Skin {
    /// Kind of texture.
    pub(super) texture: usize,
    pub(super) hue: f32,
    pub(super) saturation: f32,
    pub(super) value: f32,
    /// Marks are darker than the body, else paler.
    pub(super) dark_marks: bool,
    /// Where the pattern begins, in turns.
    pub(super) phase: f32,
    /// Spacing of the pattern, about 1.
    pub(super) spacing: f32,
}

/// What is at a point of the animal.
pub(super) struct Touch {
    pub(super) colour: Colour,
    pub(super) opacity: f32,
}

impl Fish {
    /// `bend` in [−1, 1] is the swimming pose; `fullness` about 1 makes it stouter or slimmer.
    pub(super) fn new(shape: usize, bend: f32, fullness: f32, skin: Skin) -> Self {
        // Depth, roundness of the snout, taper towards the tail, half depth of the tail's root.
        let (length, depth, snout, taper, root) = match shape {
            0 => (0.36, 0.44, 0.60, 0.90, 0.09),
            1 => (0.44, 0.20, 0.75, 0.55, 0.07),
            2 => (0.33, 0.60, 0.75, 1.00, 0.10),
            3 => (0.30, 0.62, 0.45, 0.60, 0.12),
            4 => (0.46, 0.13, 0.35, 0.20, 0.04),
            _ => (0.44, 0.24, 0.85, 1.10, 0.05),
        };
        let depth = depth * fullness;
        let peak = f32::powf(snout / (snout + taper), snout) * f32::powf(taper / (snout + taper), taper);
        let outline = std::array::from_fn(|step| {
            let t = step as f32 / STEPS as f32;
            depth * t.powf(snout) * (1.0 - t).powf(taper) / peak + root * t
        });
        let tail = |span: f32, tip: f32, fork: f32| {
            [-1.0, 1.0].map(|side: f32| {
                let corners = [
                    [TAIL_ROOT + 0.06, root * side],
                    [tip, span * side],
                    [tip + fork, 0.0],
                    [TAIL_ROOT + 0.06, 0.0],
                ];
                Fin::new(&corners, 0.5 + 0.07 * side)
            })
        };
        let fin = |corners: &[[f32; 2]], rays: f32| Fin::new(corners, rays);
        let mut fins = Vec::with_capacity(6);
        match shape {
            0 => {
                fins.extend(tail(0.36, -1.0, 0.22));
                fins.push(fin(
                    &[[0.35, -0.8 * depth], [-0.05, -1.3 * depth], [-0.5, -0.75 * depth], [-0.4, 0.0]],
                    0.29,
                ));
                fins.push(fin(
                    &[[0.0, 0.8 * depth], [-0.25, 1.25 * depth], [-0.5, 0.65 * depth], [-0.3, 0.0]],
                    0.7,
                ));
            }
            1 => {
                fins.extend(tail(0.26, -1.0, 0.2));
                fins.push(fin(&[[-0.2, -0.6 * depth], [-0.42, -1.9 * depth], [-0.55, -0.5 * depth]], 0.3));
                fins.push(fin(&[[-0.2, 0.6 * depth], [-0.42, 1.9 * depth], [-0.55, 0.5 * depth]], 0.7));
            }
            2 => {
                fins.extend(tail(0.30, -0.98, 0.06));
                fins.push(fin(
                    &[[0.3, -0.8 * depth], [-0.55, -2.0 * depth], [-0.42, -0.4 * depth], [0.0, 0.0]],
                    0.32,
                ));
                fins.push(fin(
                    &[[0.3, 0.8 * depth], [-0.55, 2.0 * depth], [-0.42, 0.4 * depth], [0.0, 0.0]],
                    0.68,
                ));
            }
            3 => {
                fins.extend(tail(0.17, -0.86, -0.05));
                fins.push(fin(&[[-0.25, -0.6 * depth], [-0.55, -0.95 * depth], [-0.5, -0.3 * depth]], 0.35));
                fins.push(fin(&[[-0.25, 0.6 * depth], [-0.55, 0.95 * depth], [-0.5, 0.3 * depth]], 0.65));
            }
            4 => {
                fins.push(fin(
                    &[[0.45, -0.8 * depth], [0.2, -1.7 * depth], [-0.75, -1.7 * depth], [-1.0, 0.0]],
                    0.27,
                ));
                fins.push(fin(
                    &[[0.1, 0.8 * depth], [-0.1, 1.6 * depth], [-0.75, 1.5 * depth], [-1.0, 0.0]],
                    0.73,
                ));
            }
            _ => {
                fins.push(fin(
                    &[[TAIL_ROOT + 0.08, -root], [-1.05, -0.5], [-0.88, -0.02], [TAIL_ROOT + 0.08, root]],
                    0.55,
                ));
                fins.push(fin(&[[TAIL_ROOT + 0.08, -root], [-0.92, 0.25], [TAIL_ROOT + 0.08, root]], 0.45));
                fins.push(fin(&[[0.25, -0.7 * depth], [-0.12, -2.4 * depth], [-0.15, -0.6 * depth]], 0.3));
                fins.push(fin(&[[0.2, 0.6 * depth], [-0.15, 1.9 * depth], [0.0, 0.5 * depth]], 0.65));
            }
        }
        let tall = fins.iter().fold(depth + root, |tall, fin: &Fin| tall.max(fin.tall));
        let eye = [if shape == 3 { 0.66 } else { 0.72 }, -0.28 * depth];
        let wave = if shape == 4 { 0.10 } else { 0.0 };
        Self {
            length,
            reach: 1.25,
            outline,
            depth,
            tall,
            fins,
            eye,
            sway: bend * 0.16,
            wave: wave * bend.signum(),
            skin,
        }
    }

    /// Half depth at `u`, zero beyond the ends.
    fn half_depth(&self, u: f32) -> f32 {
        let t = (1.0 - u) / (1.0 - TAIL_ROOT);
        if !(0.0..=1.0).contains(&t) {
            return 0.0;
        }
        let place = t * STEPS as f32;
        let step = (place as usize).min(STEPS - 1);
        self.outline[step] + (self.outline[step + 1] - self.outline[step]) * (place - step as f32)
    }

    /// Colour and opacity at a point; `edge` is the width over which an outline fades, a pixel or more.
    pub(super) fn touch(&self, u: f32, v: f32, edge: f32, lattice: &Lattice) -> Option<Touch> {
        let v = v
            - self.sway * (0.3 - u).max(0.0).powi(2)
            - self.wave * ((u - 1.0) * 5.0).sin() * (1.0 - u) * 0.5;
        if v.abs() > self.tall + edge || u > 1.0 + edge || u < -1.06 - edge {
            return None;
        }
        let cover = |distance: f32| (0.5 - distance / edge).clamp(0.0, 1.0);
        let half = self.half_depth(u);
        let slope = (self.half_depth(u + 0.03) - self.half_depth(u - 0.03)) / 0.06;
        let body = if half > 0.0 { cover((v.abs() - half) / (1.0 + slope * slope).sqrt()) } else { 0.0 };
        let base = hsv(self.skin.hue, self.skin.saturation, self.skin.value);
        let mut colour = base;
        let mut opacity = 0.0;
        // Where the body hides them, fins need no drawing.
        for fin in self.fins.iter().filter(|_| body < 1.0) {
            let distance = fin.distance(u, v);
            let here = cover(distance) * 0.88;
            if here > opacity {
                let ray = ((fin.rays[1] * u - fin.rays[0] * v) * 70.0).sin();
                let fine = smoothstep(0.12, 0.04, edge);
                // Fins are paler towards their edge, where the water shines through.
                colour = mix(
                    scaled(base, 0.72 + 0.12 * ray * fine),
                    [0.85; 3],
                    smoothstep(-0.12, 0.0, distance) * 0.25,
                );
                opacity = here;
            }
        }
        if body > 0.0 {
            colour = mix(colour, self.skin_at(u, v, half, edge, base, lattice), body);
            opacity = opacity.max(body);
        }
        (opacity > 0.0).then_some(Touch { colour, opacity })
    }

    fn skin_at(&self, u: f32, v: f32, half: f32, edge: f32, base: Colour, lattice: &Lattice) -> Colour {
        let across = (v / half.max(1e-3)).clamp(-1.0, 1.0);
        // Countershading: a darker back, a pale belly.
        let mut colour = mix(scaled(base, 0.80), base, smoothstep(-1.0, -0.2, across));
        colour = mix(colour, [0.93, 0.92, 0.88], smoothstep(0.35, 1.1, across) * 0.5);
        let marks =
            if self.skin.dark_marks { scaled(base, 0.28) } else { mix(base, [0.97, 0.96, 0.92], 0.78) };
        colour = mix(colour, marks, self.marks(u, v, edge, lattice) * 0.92);
        // Scales, where there are pixels enough to show them.
        let fine = smoothstep(0.045, 0.015, edge);
        if fine > 0.0 {
            let (a, b) = ((u + v) * 62.0, (u - v) * 62.0);
            colour = scaled(colour, 1.0 + 0.10 * fine * a.sin() * b.sin());
        }
        // Light from above, a roundness at the rim, the gill, the mouth and the eye.
        let sheen = (-((across + 0.42) * 3.2).powi(2)).exp() * 0.16;
        colour = colour.map(|c| c + sheen);
        colour = scaled(colour, 1.0 - 0.30 * smoothstep(0.65, 1.0, across.abs()));
        let gill = ((u - 0.47 + 0.5 * v * v / self.depth.max(0.2)).abs() - 0.012) / edge.max(0.03);
        colour =
            scaled(colour, 1.0 - 0.35 * (1.0 - gill.clamp(0.0, 1.0)) * smoothstep(0.8, 0.5, across.abs()));
        let mouth = ((v - 0.16 * self.depth).abs() - 0.012).max(0.86 - u) / edge.max(0.02);
        colour = scaled(colour, 1.0 - 0.6 * (0.5 - mouth).clamp(0.0, 1.0));
        let [ex, ey] = self.eye;
        let away = ((u - ex).powi(2) + (v - ey).powi(2)).sqrt();
        let radius = 0.055 + 0.05 * self.depth;
        colour = mix(colour, [0.95, 0.93, 0.82], (0.5 - (away - radius) / edge).clamp(0.0, 1.0));
        mix(colour, [0.03, 0.03, 0.04], (0.5 - (away - radius * 0.62) / edge).clamp(0.0, 1.0))
    }

    /// How much of the skin's marks is at a point, in [0, 1].
    fn marks(&self, u: f32, v: f32, edge: f32, lattice: &Lattice) -> f32 {
        use std::f32::consts::TAU;
        let Skin { texture, phase, spacing, .. } = self.skin;
        let wobble = (lattice.at(u * 3.0 + 7.0, v * 3.0 + 3.0) - 0.5) * 0.12;
        let soft = |wave: f32, period: f32| {
            let fade = (edge / period * 2.5).clamp(0.15, 1.0);
            smoothstep(-fade, fade, wave)
        };
        match texture {
            0 => {
                let period = 0.42 * spacing;
                soft(((u + wobble) / period * TAU + phase * TAU).sin(), period)
            }
            1 => {
                let period = 0.27 * spacing;
                let row = (v / period + phase).floor();
                let x = (u / period + phase * 3.0 + 0.5 * (row.rem_euclid(2.0))).rem_euclid(1.0) - 0.5;
                let y = (v / period + phase) - row - 0.5;
                let away = (x * x + y * y).sqrt() - 0.33;
                (0.5 - away * period / edge.max(0.02)).clamp(0.0, 1.0)
            }
            2 => smoothstep(-0.5, 0.5, (u - 0.28 - 0.16 * (phase - 0.5) + wobble) / edge.max(0.03)),
            3 => {
                let period = (0.62 * self.depth + 0.03) * spacing;
                soft(((v + wobble * 0.4) / period * TAU + phase * 2.0).sin(), period)
            }
            4 => smoothstep(
                0.42,
                0.58,
                lattice.at(u * 4.2 / spacing + phase * 9.0, v * 4.2 / spacing + phase * 5.0),
            ),
            _ => 0.0,
        }
    }
}
