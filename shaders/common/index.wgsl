// The index of an invocation when a long 1-D range is folded into two dimensions of workgroups (Recorder::groups).
fn flat_index(group: vec3<u32>, groups: vec3<u32>, lane: u32, width: u32) -> u32 {
    return (group.y * groups.x + group.x) * width + lane;
}
