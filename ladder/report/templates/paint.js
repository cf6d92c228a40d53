// Bokeh draws into a canvas, which knows no CSS variables: give its models the page's colours, now and when they change.
Bokeh.set_log_level("error");
const drawn = [];
function paint(item) {
  const style = getComputedStyle(document.documentElement);
  for (const model of item.models) {
    for (const tag of model.tags) {
      const [property, name] = tag.split(":");
      const color = style.getPropertyValue("--" + name).trim();
      const isOfData = property === "fill_color" || property === "line_color";
      model[property] = isOfData ? {value: color} : color;
    }
  }
}
function paintOne(views) {
  const models = new Set();
  for (const view of views) for (const model of view.model.references()) if (model.tags.length) models.add(model);
  const item = {models: [...models]};
  drawn.push(item);
  paint(item);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(paint));
